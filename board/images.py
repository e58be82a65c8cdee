"""Photos as they may be shown: rebuilt from their pixels, so that nothing else in the file survives.

What a phone writes beside the pixels (EXIF with the place, XMP, comments, colour profiles, whatever follows the
end of the picture) never reaches the stored file, because a new picture is made from the bare pixels.
"""

from __future__ import annotations

import math
import re
import threading
import warnings
from dataclasses import dataclass
from io import BytesIO
from typing import Literal

import pillow_heif
from PIL import Image

from board.errors import Invalid
from board.i18n import _l

MB = 1024 * 1024
LARGEST = 20 * MB
MOST_PIXELS = 50_000_000
FULL_SIDE = 2048
THUMB_SIDE = 480
QUALITY = 82
MOST_SCANS = 100

Format = Literal["jpeg", "png"]

# The largest WebP takes 800 MB while it is decoded (a JPEG 200): one at a time in each process.
_decoding = threading.Lock()

pillow_heif.register_heif_opener(thumbnails=False)
# The cap on pixels below refuses bombs; Pillow's own warning would only be noise in the log.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")  # damaged metadata, which is dropped

_TURNS = {
    2: (Image.Transpose.FLIP_LEFT_RIGHT,),
    3: (Image.Transpose.ROTATE_180,),
    4: (Image.Transpose.FLIP_TOP_BOTTOM,),
    5: (Image.Transpose.TRANSPOSE,),
    6: (Image.Transpose.ROTATE_270,),
    7: (Image.Transpose.TRANSVERSE,),
    8: (Image.Transpose.ROTATE_90,),
}
ORIENTATION = 0x0112  # the EXIF tag


@dataclass(frozen=True)
class Picture:
    """A rebuilt photo: two files of one format, and the size of the full one in pixels."""

    full: bytes
    thumb: bytes
    width: int
    height: int
    format: Format

    @property
    def content_type(self) -> str:
        """The media type of both files."""
        return f"image/{self.format}"


def rebuild(data: bytes, *, name: str) -> Picture:
    """The photo in `data` (JPEG, PNG, WebP or HEIC, told by its content), as it may be stored and shown.

    The full picture is at most 2048 pixels on its longer side, the thumbnail 480; both are JPEG, or PNG where
    parts are transparent. Of an animation the first picture is taken. `name` is the file's name and stands only
    in messages. Raises Invalid for anything else, for more than 20 MB and for more than 50 million pixels.
    """
    shown = "".join(letter for letter in name if letter.isprintable())[:60] or "…"
    if len(data) > LARGEST:
        size = math.ceil(len(data) / MB * 10) / 10
        raise Invalid(
            _l("Photos can be at most 20 MB; “%(name)s” has %(size)s MB", name=shown, size=f"{size:g}")
        )
    kind = _kind(data)
    if kind is None:
        raise Invalid(
            _l(
                "“%(name)s” is not a photo this board can read; choose a JPEG, PNG, WebP or HEIC photo",
                name=shown,
            )
        )
    try:
        with _decoding:
            pixels = _pixels(data, kind)
            full = _bare(_within(pixels, FULL_SIDE))
            thumb = _bare(_within(full, THUMB_SIDE))
            form: Format = "png" if full.mode == "RGBA" else "jpeg"
            return Picture(_file(full, form), _file(thumb, form), full.width, full.height, form)
    except _TooManyPixels:
        raise Invalid(
            _l("“%(name)s” has more than 50 million pixels; please send a smaller version of it", name=shown)
        ) from None
    except Exception as error:
        # A decoder fails on hostile bytes in more ways than its documentation names; each means the same to a reader.
        raise Invalid(
            _l(
                "“%(name)s” is damaged and cannot be read; open it on your phone and save it again",
                name=shown,
            )
        ) from error


class _TooManyPixels(Exception):
    """More pixels than we decode, or a picture that claims so."""


def _kind(data: bytes) -> str | None:
    # The first bytes decide which single decoder may look at the file.
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[4:8] == b"ftyp" and data[8:12] in (
        b"heic",
        b"heix",
        b"heim",
        b"heis",
        b"mif1",
        b"msf1",
        b"hevc",
        b"hevx",
    ):
        return "HEIF"
    return None


def _pixels(data: bytes, kind: str) -> Image.Image:
    if kind == "WEBP":
        _check(_webp_size(data))  # its decoder takes memory for the whole canvas on opening
    if kind == "JPEG" and _scans(data) > MOST_SCANS:
        raise ValueError("more scans than any camera writes")
    try:
        with Image.open(BytesIO(data), formats=(kind,)) as image:
            _check(image.size)
            turns = _TURNS.get(_orientation(image), ())
            if kind == "JPEG":
                image.draft(
                    None, (FULL_SIDE, FULL_SIDE)
                )  # decodes at a fraction of the size, where that is enough
            picture = _within(_plain(image), FULL_SIDE)
    except Image.DecompressionBombError as error:
        raise _TooManyPixels from error
    for turn in turns:
        picture = picture.transpose(turn)
    return picture


def _check(size: tuple[int, int]) -> None:
    if size[0] * size[1] > MOST_PIXELS:
        raise _TooManyPixels


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ORIENTATION, 1))
    except Exception:
        return 1  # damaged metadata is thrown away anyway; the picture itself may be fine


def _plain(image: Image.Image) -> Image.Image:
    # RGBA where something is transparent, RGB elsewhere.
    if image.has_transparency_data:
        picture = image.convert("RGBA")
        lowest, _highest = picture.getchannel("A").getextrema()
        return picture if isinstance(lowest, (int, float)) and lowest < 255 else picture.convert("RGB")
    if image.mode.startswith("I"):
        # 16 bits a pixel: Pillow would cut them off instead of scaling them.
        image = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    return image.convert("RGB")


def _within(image: Image.Image, side: int) -> Image.Image:
    share = side / max(image.size)
    if share >= 1:
        return image
    size = (max(1, round(image.width * share)), max(1, round(image.height * share)))
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


def _bare(image: Image.Image) -> Image.Image:
    # Pillow carries comments and profiles from the opened picture into a saved one; a new picture has none.
    return Image.frombytes(image.mode, image.size, image.tobytes())


def _file(image: Image.Image, form: Format) -> bytes:
    out = BytesIO()
    if form == "png":
        image.save(out, "PNG", compress_level=6)
    else:
        image.save(out, "JPEG", quality=QUALITY, optimize=True, progressive=True)
    return out.getvalue()


_MARKER = re.compile(rb"\xff+([^\x00\x01\xff\xd0-\xd8])", re.DOTALL)
_SCAN, _END = 0xDA, 0xD9


def _scans(data: bytes) -> int:
    # A JPEG of many tiny scans takes a decoder minutes; cameras write one, progressive files about ten.
    count, position = 0, 2
    while (marker := _MARKER.search(data, position)) is not None:
        code = marker[1][0]
        if code == _END:
            break
        count += code == _SCAN
        position = marker.end() + int.from_bytes(data[marker.end() : marker.end() + 2])
    return count


def _webp_size(data: bytes) -> tuple[int, int]:
    # RFC 9649: the size stands at a fixed place of the first chunk, which is of one of three kinds.
    chunk = data[12:16]
    if chunk == b"VP8X":
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if chunk == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if chunk == b"VP8 ":
        return int.from_bytes(data[26:28], "little") & 0x3FFF, int.from_bytes(data[28:30], "little") & 0x3FFF
    raise ValueError("a WebP file of an unknown kind")
