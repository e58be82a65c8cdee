"""Homes: unit, floor and room are covered; building, road and estate stay, by which an officer finds the place.

A number alone is no home. What says so is a building or a unit before it, a word such as 家住, or 房号.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from board.masking.findings import Hit
from board.masking.view import View

# `digits` is searched, where 三 is 3 already; 十 and 百 are not digits.
_SEP = r"[ ,，、\-·]?"
_BUILDING = (
    r"(?:[0-9十百]{1,5}[a-z]?|(?<![a-z])[a-z]|[甲乙丙丁东西南北中])"
    r"(?:号楼|栋楼?|幢楼?|(?P<seat>座)(?![位机椅谈])|#楼?|号院|号(?=[0-9十]{1,2}(?:单元|门|栋|幢)))"
)
_ROAD_NUMBER = r"(?:路|街|巷|弄|道|胡同|里|村)[0-9]{1,4}(?:号|弄)"
_UNIT = r"(?P<unit>[0-9十]{1,3}|[甲乙丙丁a-d东西南北中])(?P<unit_word>单元|门(?![口前面店牌卫诊禁票锁槛外]))"
_FLOOR = r"(?P<floor>[0-9十]{1,4})(?P<floor_word>[楼层])"
# A measure after the digits makes them no room: 「3 号楼 110 平米」「2 单元 120 户」.
_NO_MEASURE = (
    r"(?![0-9a-z十]|[.:/][0-9]| ?(?:平|㎡|元|块|万|余|多|人|户|年|月|日|号|栋|幢|单元|天|次|个|名|位|辆|台|斤|吨|公里|米|"
    r"路|线|分|点|时|小时|度|%|家|套|间|层|楼|级|条|棵|岁|期|门面|商铺|铺|店|kw|k|v|-[0-9]))"
)
# 「302、304、1001」, 「102-103」, 「102房、103房」
_MORE = r"(?:(?:室|房)?[\-、/~和及,，][0-9]{3,4}(?![0-9])){0,20}"
_TAIL = (
    rf"(?:(?P<room>[a-z]?[0-9十百]{{1,5}}[a-z]?{_MORE})(?P<word> ?(?:室(?! ?[0-9]{{1,2}} ?厅)|房间|号房(?![子屋产])|"
    r"(?<=[0-9十a-z]{2})房(?![子屋产东价租管贷源顶型改主])))"
    r"|(?P<room3>[a-z]?[0-9]{3,4}[a-z]?)(?P<word3>户(?![居人业主住都家村型籍口])|号(?![楼线路院店文公台车令牌门商铺]))"
    rf"|(?P<bare>(?<![0-9])[1-9][0-9]{{2,3}}{_MORE}){_NO_MEASURE})"
)
_PLACED_IN_BUILDING = re.compile(rf"{_BUILDING}{_SEP}(?P<from>)(?:{_UNIT}{_SEP})?(?:{_FLOOR}{_SEP})?{_TAIL}")
_PLACED_ON_ROAD = re.compile(rf"{_ROAD_NUMBER}{_SEP}(?P<from>)(?:{_UNIT}{_SEP})?(?:{_FLOOR}{_SEP})?{_TAIL}")
_IN_UNIT = re.compile(rf"(?<![0-9十])(?P<from>){_UNIT}{_SEP}(?:{_FLOOR}{_SEP})?{_TAIL}")
_LIVES = (
    "家住", "居住", "住在", "我住", "就住", "租住", "租房", "我家", "他家", "她家", "邻居", "楼上", "楼下", "隔壁", "对门", "业主", "户主", "住户", "住址", "本栋", "该栋",
)  # fmt: skip
_AT_HOME = re.compile(
    rf"(?:{'|'.join(_LIVES)})[^0-9*，,。；;！!？?\n]{{0,8}}(?P<from>)(?:{_FLOOR}{_SEP})?"
    r"(?P<room>[a-z]?[0-9]{3,4}[a-z]?)(?P<word> ?(?:室|房间|号房|房(?![子屋产东价租管贷源顶型改主])))"
)
_NAMED = re.compile(
    r"(?:房号|门牌号?|房间号)[ :：是为]{0,3}(?P<from>)(?P<room>[a-z]?[0-9]{3,4}[a-z]?)(?P<word>)(?![0-9])"
)
# 3-2-501: building, unit, room; with 室 behind it, or with a word of a home before it.
_DASHED = re.compile(
    r"(?<![0-9a-z.\-])(?P<building>[a-z]?[0-9]{1,3})(?P<middle>-[0-9]{1,2})?-(?P<last>[0-9]{3,4})(?![0-9\-.:])(?P<word> ?(?:室|房(?![子屋产东价])|户(?![居人业主]))?)"
)
_HOME_BEFORE = re.compile(
    r"(?:家住|居住|住在|我住|租住|住址|地址|业主|户主|房号|门牌号?|小区|花园|苑|家园|公寓|新村|佳园|公馆|名城|花城|新城|雅居|"
    r"嘉园|锦园|山庄|宿舍|楼栋|栋)[^0-9*，,。；;\n]{0,4}\Z"
)
# The words without which a pattern finds nothing, and the pattern.
_PATTERNS = (
    (("楼", "栋", "幢", "座", "#", "号院", "单元"), _PLACED_IN_BUILDING),
    (("路", "街", "巷", "弄", "道", "胡同", "里", "村"), _PLACED_ON_ROAD),
    (("单元", "门"), _IN_UNIT),
    (_LIVES, _AT_HOME),
    (("房号", "门牌", "房间号"), _NAMED),
)
_OFFICE = re.compile(
    r"(?:政务|政府|办事|服务中心|大厅|办公|法院|检察院|医院|卫生院|学校|大学|学院|中学|小学|派出所|居委|村委|街道办|窗口|会议|"
    r"教学|门诊|住院|委员会|公安|支队|大队|分局|局)[^，,。；;！!？?\n舍属区园寓苑]{0,8}\Z"
)
_LOOK_BACK = 20


def find(seen: View) -> Iterator[Hit]:
    """Every unit and room of a home; rooms of offices, to which people must find, stay."""
    text = seen.digits
    for words, pattern in _PATTERNS:
        if not seen.has(words):
            continue
        for found in pattern.finditer(text):
            parts = found.groupdict()
            if (parts.get("word3") or "").startswith("户") and not parts.get("unit"):
                continue  # 「5 号楼 120 户没有热水」
            if parts.get("seat") and parts.get("bare") and not parts.get("unit"):
                continue  # 「青B座 301」 may be anything
            start = found.start("from")
            if not _OFFICE.search(seen.words[max(0, start - _LOOK_BACK) : start]):
                yield _hit(found)
    for found in _DASHED.finditer(text) if "-" in text else ():
        before = seen.words[max(0, found.start() - _LOOK_BACK) : found.start()]
        told = found["word"].strip() or _HOME_BEFORE.search(before)
        if told and not _OFFICE.search(before) and found["last"][0] != "0":
            unit = "-*" if found["middle"] else ""
            start = found.end("building")
            yield Hit("room", start, found.end("last"), f"{unit}-***")


def _hit(found: re.Match[str]) -> Hit:
    parts = found.groupdict()
    text, start = found.string, found.start("from")
    last = next(name for name in ("room", "room3", "bare") if parts.get(name) is not None)
    cover, at = [], start
    for name in ("unit", "floor", last):
        if parts.get(name) is not None:
            cover += [text[at : found.start(name)], "*" if name != last else "***"]
            at = found.end(name)
    return Hit("room", start, found.end(last), "".join(cover))
