"""Number plates (GA 36): province, letter of the city, five or six places."""

from __future__ import annotations

import re
from collections.abc import Iterator

from board.masking.findings import Hit
from board.masking.view import View

PROVINCES = "京津沪滬渝冀豫云雲辽遼黑湘皖鲁魯新苏蘇浙赣贛鄂桂甘晋晉蒙陕陝吉闽閩贵貴粤粵青藏川宁寧琼瓊"
ENDS = "挂掛学學警港澳领領试試超"
_JOINT = r"[ ·•・.\-]{0,2}"
# New energy: six places; ordinary: five, the last of which may be a word such as 警 or 学.
_SERIAL = (
    r"([a-z] ?[a-z0-9](?: ?[0-9]){4}|[0-9](?: ?[0-9]){4} ?[a-z]"
    rf"|[a-z0-9](?: ?[a-z0-9]){{3}} ?[a-z0-9{ENDS}])(?![a-z0-9])"
)
_PLATE = re.compile(rf"([{PROVINCES}]){_JOINT}([a-z]){_JOINT}{_SERIAL}")
# Where everybody is from one province, people leave it out.
_AFTER_WORD = re.compile(
    rf"(?:车牌号?码?|車牌號?碼?|牌照号?|牌号|车号)[ :：是为]{{0,3}}()([a-z]){_JOINT}{_SERIAL}"
)


def find(seen: View) -> Iterator[Hit]:
    """Every plate, its last two places still readable, so that a driver knows which is meant."""
    # As it stands first: in 「A8D456一直占道」 the 一 is a word.
    for text in dict.fromkeys((seen.words, seen.digits)):
        for pattern in (_PLATE, _AFTER_WORD):
            for plate in pattern.finditer(text):
                serial = plate[3].replace(" ", "")
                if sum(place.isdigit() for place in serial) < 3:
                    continue
                cover = f"{plate[1]}{plate[2].upper()}·{'*' * (len(serial) - 2)}{serial[-2:].upper()}"
                yield Hit("plate", plate.start(1), plate.end(), cover)
