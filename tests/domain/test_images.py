"""Photos: what goes in beside the pixels does not come out, and no file brings the board down."""

import resource
import struct
import zlib
from io import BytesIO

import pillow_heif
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from board import images
from board.errors import Invalid
from board.images import Picture, rebuild

# As in a running board: what Pillow says about damaged metadata is noise.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")

MARK = b"RITA-HOME-ADDRESS-4711"
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a>' + MARK + b"</a></x:xmpmeta>"


def drawing(mode="RGB", size=(60, 40)):
    """A picture whose left half is red and right half blue; with alpha its first row is transparent."""
    picture = Image.new("RGB", size, (200, 30, 30))
    picture.paste((30, 30, 200), (size[0] // 2, 0, *size))
    if mode == "RGB":
        return picture
    if "A" in mode:
        picture.putalpha(255)
        picture.paste((0, 0, 0, 0), (0, 0, size[0], 1))
    return picture.convert(mode)


def pixel(picture: Image.Image, place: tuple[int, int]) -> tuple[int, ...]:
    colour = picture.getpixel(place)
    assert isinstance(colour, tuple)
    return colour


def exif(orientation=1):
    """EXIF as phones write it: a model, a comment, the place, all with the marker."""
    tags = Image.Exif()
    tags[0x0110] = MARK.decode()
    tags[0x010E] = MARK.decode()
    tags[0x0112] = orientation
    gps = tags.get_ifd(0x8825)
    gps[29] = MARK.decode()
    gps[2] = (41.0, 21.0, 7.0)
    return tags.tobytes()


def saved(form, picture=None, **options):
    out = BytesIO()
    (picture or drawing()).save(out, form, **options)
    return out.getvalue()


def png_with_text():
    info = PngInfo()
    info.add_text("Comment", MARK.decode())
    info.add_text("Place", MARK.decode(), zip=False)
    info.add_itxt("XML:com.adobe.xmp", XMP.decode())
    return saved("PNG", pnginfo=info, exif=exif(), icc_profile=MARK * 20)


def heic(**options):
    file = pillow_heif.from_pillow(drawing(size=(64, 64)))
    out = BytesIO()
    file.save(out, quality=80, **options)
    return out.getvalue()


def motion_photo():
    return saved("JPEG") + b"ftypmp42" + MARK * 50


SOURCES = {
    "JPEG with EXIF and GPS": lambda: saved("JPEG", exif=exif()),
    "JPEG with a comment": lambda: saved("JPEG", comment=MARK),
    "JPEG with XMP and a profile": lambda: saved("JPEG", xmp=XMP, icc_profile=MARK * 20),
    "JPEG with a film behind its end": motion_photo,
    "JPEG that is also an archive": lambda: saved("JPEG") + b"PK\x03\x04" + MARK + b"PK\x05\x06" + bytes(18),
    "JPEG that is also a page": lambda: saved("JPEG", comment=b"<script>" + MARK + b"</script>"),
    "PNG with texts": png_with_text,
    "PNG with a tail": lambda: saved("PNG") + MARK,
    "WebP with XMP and EXIF": lambda: saved("WEBP", xmp=XMP, exif=exif(), icc_profile=MARK * 20),
    "HEIC with EXIF and XMP": lambda: heic(exif=exif(), xmp=XMP),
}


@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_nothing_but_the_pixels_survives(source):
    data = SOURCES[source]()
    assert MARK in data
    picture = rebuild(data, name="foto.jpg")
    for file in (picture.full, picture.thumb):
        assert MARK not in file
        assert b"Exif" not in file
        assert b"adobe" not in file
        assert b"eXIf" not in file
        with Image.open(BytesIO(file)) as again:
            again.load()
            assert not again.getexif()
            assert set(again.info) <= {
                "jfif",
                "jfif_version",
                "jfif_unit",
                "jfif_density",
                "progressive",
                "progression",
            }


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_the_picture_itself_survives(form):
    picture = rebuild(saved(form), name="foto")
    assert (picture.width, picture.height, picture.format) == (60, 40, "jpeg")
    assert picture.content_type == "image/jpeg"
    with Image.open(BytesIO(picture.full)) as again:
        red, _green, blue = pixel(again, (5, 20))
        assert red > 150 > 100 > blue
        red, _green, blue = pixel(again, (55, 20))
        assert blue > 150 > 100 > red


@pytest.mark.parametrize(
    ("orientation", "red_at"),
    [(1, (0, 0)), (2, (1, 0)), (3, (1, 0)), (4, (0, 0)), (5, (0, 0)), (6, (0, 0)), (7, (0, 1)), (8, (0, 1))],
)
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_a_phone_held_sideways_gives_an_upright_picture(form, orientation, red_at):
    picture = rebuild(saved(form, exif=exif(orientation)), name="foto")
    sideways = orientation >= 5
    assert (picture.width, picture.height) == ((40, 60) if sideways else (60, 40))
    with Image.open(BytesIO(picture.full)) as again:
        corner = (red_at[0] * (again.width - 1), red_at[1] * (again.height - 1))
        red, _green, blue = pixel(again, corner)
        assert red > blue


def test_an_iphone_photo_is_turned_once_and_not_twice():
    picture = rebuild(heic(exif=exif(6)), name="IMG_0042.HEIC")
    with Image.open(BytesIO(picture.full)) as again:
        top, bottom = pixel(again, (32, 4)), pixel(again, (32, 60))
    assert top[0] > top[2]
    assert bottom[2] > bottom[0]


def test_a_large_photo_is_made_smaller_and_a_small_one_is_left():
    large = rebuild(saved("JPEG", drawing(size=(5000, 2500))), name="foto")
    assert (large.width, large.height) == (2048, 1024)
    with Image.open(BytesIO(large.thumb)) as thumb:
        assert thumb.size == (480, 240)
    small = rebuild(saved("PNG", drawing(size=(3, 2))), name="foto")
    assert (small.width, small.height) == (3, 2)
    thin = rebuild(saved("PNG", Image.new("L", (9000, 1))), name="foto")
    assert (thin.width, thin.height) == (2048, 1)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_a_transparent_picture_stays_transparent(mode):
    picture = rebuild(saved("PNG", drawing(mode)), name="stempel.png")
    assert picture.format == "png"
    with Image.open(BytesIO(picture.full)) as again:
        assert pixel(again, (5, 0))[3] == 0
        assert pixel(again, (5, 20))[3] == 255


def test_an_alpha_channel_that_hides_nothing_costs_no_png():
    opaque = Image.new("RGBA", (30, 30), (10, 200, 10, 255))
    assert rebuild(saved("PNG", opaque), name="foto").format == "jpeg"


@pytest.mark.parametrize("mode", ["1", "L", "P", "I;16", "CMYK", "YCbCr"])
def test_every_colour_mode_of_a_scanner_is_read(mode):
    grey = Image.new("L", (20, 20), 128)
    if mode == "I;16":
        source = Image.frombytes("I;16", (20, 20), struct.pack("<H", 128 * 257) * 400)
    else:
        source = grey.convert("RGB").convert(mode) if mode in ("CMYK", "YCbCr", "P") else grey.convert(mode)
    form = "JPEG" if mode in ("CMYK", "YCbCr") else "PNG"
    with Image.open(BytesIO(rebuild(saved(form, source), name="scan").full)) as again:
        average = pixel(again.convert("RGB").resize((1, 1)), (0, 0))[0]
    assert 90 < average < 165


def test_the_first_picture_of_an_animation_is_taken():
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "lime", "blue")]
    data = saved("WEBP", frames[0], save_all=True, append_images=frames[1:], duration=100)
    with Image.open(BytesIO(rebuild(data, name="foto").full)) as again:
        assert getattr(again, "n_frames", 1) == 1
        assert pixel(again, (10, 10))[0] > 200


def test_too_many_bytes_are_refused_with_both_sizes():
    with pytest.raises(Invalid) as refused:
        rebuild(b"\xff\xd8\xff" + bytes(26 * 1024 * 1024), name="baustelle.jpg")
    assert "baustelle.jpg" in str(refused.value)
    assert "26.1 MB" in str(refused.value)


def bomb(form):
    """A few bytes that claim to be a picture of 65,000 by 65,000 pixels."""
    if form == "PNG":
        data = bytearray(saved("PNG"))
        data[16:24] = struct.pack(">II", 65000, 65000)
        data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
        return bytes(data)
    if form == "JPEG":
        data = bytearray(saved("JPEG"))
        at = data.index(b"\xff\xc0")
        data[at + 5 : at + 9] = struct.pack(">HH", 65000, 65000)
        return bytes(data)
    canvas = (16383).to_bytes(3, "little")
    chunk = b"VP8X" + struct.pack("<I", 10) + bytes([0, 0, 0, 0]) + canvas + canvas
    body = b"WEBP" + chunk + saved("WEBP")[12:]
    return b"RIFF" + struct.pack("<I", len(body)) + body


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_a_bomb_is_refused_before_it_is_decoded(form, monkeypatch):
    monkeypatch.setattr(Image.Image, "tobytes", lambda *a, **k: pytest.fail("pixels were read"))
    with pytest.raises(Invalid) as refused:
        rebuild(bomb(form), name="urlaub")
    assert "50 million pixels" in str(refused.value)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def test_a_png_of_fifty_thousand_by_fifty_thousand_is_refused_before_it_is_decoded(monkeypatch):
    header = struct.pack(">IIBBBBB", 50_000, 50_000, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes(6_251 * 2_000), 1) * 25  # what it would unfold to is 312 MB
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    monkeypatch.setattr(Image.Image, "load", lambda *a, **k: pytest.fail("pixels were read"))
    with pytest.raises(Invalid) as refused:
        rebuild(data, name="plan.png")
    assert "50 million pixels" in str(refused.value)


@pytest.mark.parametrize("kind", [b"zTXt", b"iTXt", b"iCCP"])
def test_an_archive_inside_a_picture_is_not_unfolded(kind):
    packed = zlib.compress(bytes(300_000_000), 1)
    inside = {
        b"zTXt": b"Comment\0\0" + packed,
        b"iTXt": b"Comment\0\1\0\0\0" + packed,
        b"iCCP": b"icc\0\0" + packed,
    }[kind]
    plain = saved("PNG")
    data = plain[:33] + chunk(kind, inside) + plain[33:]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        picture = rebuild(data, name="foto.png")
    except Invalid:
        picture = None
    assert picture is None or kind not in picture.full
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 150_000  # kilobytes


BEHIND = {
    "page": b"<html><script>alert(1)</script></html>",
    "archive": b"PK\x03\x04" + MARK * 9 + b"PK\x05\x06" + bytes(18),
    "program": b"<?php system($_GET['x']); ?>",
    "shell": b"\n#!/bin/sh\n" + MARK,
    "applet": b"\xca\xfe\xba\xbe" + MARK,
    "document": b"%PDF-1.7\n" + MARK + b"\n%%EOF",
    "drawing": b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
}


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("behind", BEHIND)
def test_what_hides_behind_a_photo_is_left_behind(form, behind):
    hidden = BEHIND[behind]
    inside = {
        "JPEG": lambda plain: (
            plain[:2] + b"\xff\xfe" + struct.pack(">H", len(hidden) + 2) + hidden + plain[2:]
        ),
        "PNG": lambda plain: plain[:33] + chunk(b"tEXt", b"Comment\0" + hidden) + plain[33:],
        "WEBP": lambda plain: plain,
    }[form]
    picture = rebuild(inside(saved(form)) + hidden, name="foto")
    for part in (picture.full, picture.thumb):
        assert hidden not in part
        assert b"<script" not in part
        assert b"<?php" not in part
        assert MARK not in part


def test_a_webp_bomb_is_refused_before_its_decoder_takes_memory_for_it(monkeypatch):
    monkeypatch.setattr(Image, "open", lambda *a, **k: pytest.fail("the decoder was opened"))
    with pytest.raises(Invalid) as refused:
        rebuild(bomb("WEBP"), name="urlaub.webp")
    assert "50 million pixels" in str(refused.value)


@pytest.mark.parametrize("options", [{}, {"lossless": True}, {"exif": exif()}])
def test_the_size_of_each_kind_of_webp_is_read_from_its_first_bytes(options):
    assert images._webp_size(saved("WEBP", drawing(size=(61, 43)), **options)) == (61, 43)


def test_a_real_picture_over_the_cap_is_refused():
    with pytest.raises(Invalid) as refused:
        rebuild(saved("PNG", Image.new("1", (10_000, 5_001))), name="plan.png")
    assert "50 million pixels" in str(refused.value)
    assert rebuild(saved("PNG", Image.new("1", (10_000, 5_000))), name="plan.png").width == 2048


def test_a_file_of_endless_scans_is_refused():
    data = saved("JPEG", drawing(size=(64, 64)), progressive=True)
    last = data.rindex(b"\xff\xda")
    slow = data[:-2] + data[last:-2] * 200 + b"\xff\xd9"
    assert images._scans(data) == 10
    assert images._scans(motion_photo() + b"\xff\xda" * 500) == 1
    with pytest.raises(Invalid):
        rebuild(slow, name="foto")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xd8\xff",
        b"GIF89a" + bytes(100),
        saved("GIF"),
        saved("BMP"),
        saved("TIFF"),
        b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        b"%PDF-1.7\n" + saved("JPEG"),
        b"GIF89a" + saved("JPEG"),
        b"<html>" + saved("PNG"),
        b"PK\x03\x04" + saved("PNG"),
        b"RIFF\x00\x00\x00\x00WEBPVP8X",
        b"\x00\x00\x00\x18ftypheic" + bytes(64),
        b"MZ" + bytes(500),
    ],
    ids=range(14),
)
def test_what_is_no_photo_is_refused_with_advice(data):
    with pytest.raises(Invalid) as refused:
        rebuild(data, name="foto.jpg")
    assert "“foto.jpg”" in str(refused.value)


def test_a_name_cannot_break_the_message():
    with pytest.raises(Invalid) as refused:
        rebuild(b"nothing", name="a\u202egpj\x00\n%(name)s" + "x" * 500)
    text = str(refused.value)
    assert "\n" not in text
    assert "\u202e" not in text
    assert len(text) < 250


VALID = [maker() for maker in SOURCES.values()] + [
    saved("JPEG", progressive=True),
    saved("PNG", drawing("RGBA")),
]


def harmless(data):
    """Whatever comes in, out comes a picture or a refusal."""
    try:
        picture = rebuild(data, name="foto.jpg")
    except Invalid:
        return
    assert isinstance(picture, Picture)
    assert 0 < max(picture.width, picture.height) <= 2048


lenient = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@lenient
@given(st.sampled_from(VALID), st.floats(0, 1))
def test_a_photo_cut_off_anywhere_is_harmless(data, share):
    harmless(data[: int(len(data) * share)])


@lenient
@given(
    st.sampled_from(VALID), st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=12)
)
def test_a_photo_with_changed_bytes_is_harmless(data, changes):
    hurt = bytearray(data)
    for share, byte in changes:
        hurt[min(int(share * len(hurt)), len(hurt) - 1)] = byte
    harmless(bytes(hurt))


@lenient
@given(
    st.sampled_from(
        [b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\x40\x00\x00\x00WEBP", b"\x00\x00\x00\x18ftypheic"]
    ),
    st.binary(max_size=400),
)
def test_noise_behind_a_true_beginning_is_harmless(beginning, noise):
    harmless(beginning + noise)
