"""Pictures for the sample threads of a city: small street scenes, drawn when the city is loaded.

Nobody's photograph and no file to keep: a scene is a function of its name, drawn at twice its size and made
smaller, so that edges are smooth.
"""

from __future__ import annotations

import io
from collections.abc import Callable

from PIL import Image, ImageDraw

WIDTH, HEIGHT = 960, 720
SKY, DUSK, NIGHT = "#9fb6cf", "#d9b48a", "#1d2b47"
ROAD, WALK, LINE = "#4a5361", "#8d97a5", "#e8ecf2"
Pen = ImageDraw.ImageDraw


def _street(pen: Pen, sky: str) -> None:
    pen.rectangle((0, 0, 1920, 900), fill=sky)
    for left, top, wide, colour in (
        (60, 300, 330, "#b9a58d"),
        (430, 220, 280, "#7f8c9d"),
        (1180, 260, 300, "#a98f72"),
        (1520, 340, 340, "#8796a8"),
    ):
        pen.rectangle((left, top, left + wide, 900), fill=colour)
        for row in range(top + 50, 820, 110):
            for column in range(left + 40, left + wide - 60, 95):
                pen.rectangle(
                    (column, row, column + 48, row + 58), fill="#e9d9a8" if sky == NIGHT else "#d7e2ee"
                )
    pen.rectangle((0, 900, 1920, 960), fill=WALK)
    pen.rectangle((0, 960, 1920, 1440), fill=ROAD)
    for left in range(-40, 1920, 300):
        pen.polygon([(left, 1190), (left + 150, 1190), (left + 135, 1215), (left - 20, 1215)], fill=LINE)


def _car(pen: Pen, left: int, top: int, colour: str) -> None:
    pen.rounded_rectangle((left, top + 60, left + 340, top + 150), 26, fill=colour)
    pen.polygon(
        [(left + 60, top + 64), (left + 105, top), (left + 240, top), (left + 290, top + 64)], fill=colour
    )
    pen.polygon(
        [(left + 84, top + 60), (left + 116, top + 16), (left + 168, top + 16), (left + 168, top + 60)],
        fill="#cfe0ee",
    )
    pen.polygon(
        [(left + 182, top + 60), (left + 182, top + 16), (left + 232, top + 16), (left + 266, top + 60)],
        fill="#cfe0ee",
    )
    for wheel in (left + 80, left + 262):
        pen.ellipse((wheel - 38, top + 112, wheel + 38, top + 188), fill="#1c222b")
        pen.ellipse((wheel - 16, top + 134, wheel + 16, top + 166), fill="#aab3bf")


def _signal(pen: Pen, lamp: int) -> None:
    pen.rectangle((944, 300, 972, 960), fill="#2b323c")
    pen.rounded_rectangle((868, 90, 1048, 520), 40, fill="#20262f")
    for place, colour in enumerate(("#e5484d", "#ffc53d", "#46a758")):
        top = 120 + place * 132
        pen.ellipse((900, top, 1016, top + 116), fill=colour if place == lamp else "#3a424e")
        if place == lamp:
            pen.ellipse((922, top + 18, 966, top + 60), fill="#fff3d1")


def signal_flashing(pen: Pen) -> None:
    """A signal that flashes yellow, cars waiting."""
    _street(pen, SKY)
    _signal(pen, 1)
    _car(pen, 120, 1010, "#b3403a")
    _car(pen, 1380, 1060, "#34589c")


def signal_mended(pen: Pen) -> None:
    """The same signal, green again, an officer beside it."""
    _street(pen, SKY)
    _signal(pen, 2)
    _car(pen, 200, 1060, "#34589c")
    pen.ellipse((1196, 690, 1264, 758), fill="#e0b894")
    pen.rounded_rectangle((1170, 760, 1290, 960), 30, fill="#1f3f7d")
    pen.rectangle((1170, 812, 1290, 838), fill="#e6f154")
    pen.rectangle((1190, 670, 1270, 700), fill="#12264c")
    pen.rectangle((1190, 956, 1222, 1070), fill="#12264c")
    pen.rectangle((1238, 956, 1270, 1070), fill="#12264c")


def traffic_jam(pen: Pen) -> None:
    """Cars in two rows at dusk."""
    _street(pen, DUSK)
    for place, colour in enumerate(("#b3403a", "#e4e7ec", "#34589c", "#5a6672", "#c78b2b")):
        _car(pen, -60 + place * 400, 1000, colour)
    for place, colour in enumerate(("#34589c", "#7a3e8c", "#e4e7ec", "#b3403a", "#2c7a4b")):
        _car(pen, -220 + place * 410, 1220, colour)


def missing_cover(pen: Pen) -> None:
    """A manhole without its cover, a branch stuck into it as a warning."""
    pen.rectangle((0, 0, 1920, 1440), fill="#59626f")
    for row in range(0, 1440, 180):
        for column in range(-90 if row % 360 else 0, 1920, 360):
            pen.rectangle((column, row, column + 352, row + 172), fill="#6d7785")
    pen.ellipse((560, 520, 1360, 1060), fill="#343b45")
    pen.ellipse((610, 560, 1310, 1020), fill="#0d1117")
    pen.line((960, 800, 1130, 170), fill="#6b4a2b", width=34)
    for x, y in ((1130, 170), (1060, 260), (1180, 280), (1100, 360)):
        pen.ellipse((x - 90, y - 60, x + 90, y + 60), fill="#4c8a4a")
    pen.rectangle((900, 690, 1080, 760), fill="#d0342c")


def worn_crossing(pen: Pen) -> None:
    """A zebra crossing that has almost gone."""
    _street(pen, SKY)
    for place, left in enumerate(range(380, 1560, 170)):
        shade = ("#737d8a", "#5b6573", "#828c99", "#565f6c")[place % 4]
        pen.polygon([(left, 960), (left + 90, 960), (left + 60, 1440), (left - 80, 1440)], fill=shade)
    _car(pen, 1400, 1090, "#e4e7ec")


def hanging_wire(pen: Pen) -> None:
    """A cable that hangs over the pavement."""
    _street(pen, SKY)
    pen.rectangle((330, 120, 366, 960), fill="#6b4a2b")
    pen.rectangle((1560, 120, 1596, 960), fill="#6b4a2b")
    points = [(348, 180), (620, 560), (960, 830), (1300, 560), (1578, 180)]
    pen.line(points, fill="#14181f", width=14, joint="curve")
    pen.line([(348, 140), (960, 260), (1578, 140)], fill="#14181f", width=8, joint="curve")


def cold_radiator(pen: Pen) -> None:
    """A radiator, and a thermometer that shows 14 degrees."""
    pen.rectangle((0, 0, 1920, 1440), fill="#e7dfd2")
    pen.rectangle((0, 1180, 1920, 1440), fill="#a9825a")
    for left in range(260, 1180, 120):
        pen.rounded_rectangle((left, 460, left + 96, 1080), 40, fill="#f7f7f5", outline="#b9bdc4", width=8)
    pen.rounded_rectangle((1380, 300, 1620, 1080), 60, fill="#ffffff", outline="#8a919c", width=10)
    pen.rounded_rectangle((1484, 380, 1516, 960), 16, fill="#dfe4ea")
    pen.rounded_rectangle((1484, 720, 1516, 960), 16, fill="#c9342d")
    pen.ellipse((1448, 930, 1552, 1034), fill="#c9342d")
    for place in range(9):
        pen.line((1536, 400 + place * 62, 1580, 400 + place * 62), fill="#59626f", width=8)


def street_lamp_dark(pen: Pen) -> None:
    """A dark street at night, one lamp of two is out."""
    _street(pen, NIGHT)
    for left, lit in ((420, False), (1420, True)):
        pen.rectangle((left, 200, left + 22, 960), fill="#3b434f")
        pen.rectangle((left, 190, left + 170, 212), fill="#3b434f")
        pen.ellipse((left + 120, 186, left + 230, 250), fill="#ffe9a8" if lit else "#565e6a")
        if lit:
            pen.polygon(
                [(left + 130, 248), (left + 222, 248), (left + 420, 960), (left - 90, 960)], fill="#5d5f55"
            )


SCENES: dict[str, Callable[[Pen], None]] = {
    "signal-flashing": signal_flashing,
    "signal-mended": signal_mended,
    "traffic-jam": traffic_jam,
    "missing-cover": missing_cover,
    "worn-crossing": worn_crossing,
    "hanging-wire": hanging_wire,
    "cold-radiator": cold_radiator,
    "street-lamp-dark": street_lamp_dark,
}


def draw(name: str) -> bytes:
    """The scene called `name` as JPEG bytes, 960 × 720; KeyError when there is none."""
    picture = Image.new("RGB", (WIDTH * 2, HEIGHT * 2))
    SCENES[name](ImageDraw.Draw(picture))
    out = io.BytesIO()
    picture.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS).save(out, "JPEG", quality=82)
    return out.getvalue()
