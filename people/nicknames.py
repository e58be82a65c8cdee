"""Which nicknames may stand in front of a verified phone, and friendly ones for those who have no idea.

Nobody may look like the police or a department. What is refused is compared by how it looks: spaces, hidden and full-width
characters, traditional characters, Cyrillic and Greek letters and digits in place of letters make no difference.
"""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Iterable

from board.errors import Invalid
from board.i18n import _l
from board.masking import mask
from board.text import fold, is_blank, normalise

__all__ = ["LONGEST", "SHORTEST", "check", "propose"]

SHORTEST, LONGEST = 2, 20  # characters
MOST_DIGITS = 6  # in a row; seven are a telephone number

# Chinese words that claim an office. 憼 and 儆 differ from 警 by one part, 敬言 is 警 written apart.
RESERVED = (
    "警",
    "憼",
    "儆",
    "璥",
    "敬言",
    "公安",
    "官方",
    "官網",
    "客服",
    "督察",
    "管理员",
    "发帖人",
    "值班员",
)
# The same in Latin letters and pinyin; long enough not to stand inside an ordinary word by chance.
RESERVED_LATIN = (
    "police",
    "official",
    "jingcha",
    "minjing",
    "jiaojing",
    "gongan",
    "guanfang",
    "customerservice",
    "moderator",
)

# Traditional characters of department names and offices, with their simplified form.
_TRADITIONAL = str.maketrans(
    "員隊務網監檢關縣區鎮鄉門戶籍車駕駛證環護衛處廳長會熱氣電話書記紀憲專線總局檔產業規劃園務鐵鋼橋東華龍樓館場廣發帖報導訊傳聞辦詐騙鑑識偵緝義顧問為國際學醫葯藥動雲貼値"
    "稅質測維穩執條領導協輔級調負責應邊機構濟輸運進農林範歷歸檔災難節資訊設計術復實驗測試樂財貿買賣單雙東風點",
    "员队务网监检关县区镇乡门户籍车驾驶证环护卫处厅长会热气电话书记纪宪专线总局档产业规划园务铁钢桥东华龙楼馆场广发帖报导讯传闻办诈骗鉴识侦缉义顾问为国际学医药药动云贴值"
    "税质测维稳执条领导协辅级调负责应边机构济输运进农林范历归档灾难节资讯设计术复实验测试乐财贸买卖单双东风点",
)
# Letters that look alike share one sign; both sides of every comparison go through it.
_LOOK_ALIKE = str.maketrans(
    {
        **dict.fromkeys("1|!ıіΙιӏǀɩlı¡", "i"),
        **dict.fromkeys("0οоσօ○〇", "o"),
        **dict.fromkeys("аαɑ4@", "a"),
        **dict.fromkeys("еє3ε", "e"),
        **dict.fromkeys("сϲ¢", "c"),
        **dict.fromkeys("рρ", "p"),
        **dict.fromkeys("ѕ5$", "s"),
        **dict.fromkeys("уγʏ", "y"),
        **dict.fromkeys("ցɡ9", "g"),
        **dict.fromkeys("пηո", "n"),
        **dict.fromkeys("υ", "u"),
        **dict.fromkeys("νѵ", "v"),
        **dict.fromkeys("мｍ", "m"),
        **dict.fromkeys("тτ7", "t"),
        **dict.fromkeys("кκ", "k"),
        **dict.fromkeys("хχ×", "x"),
        **dict.fromkeys("һн", "h"),
        **dict.fromkeys("ԁ", "d"),
        **dict.fromkeys("ј", "j"),
        "в": "b",
        "ғ": "f",
    }
)
_LINK = re.compile(
    r"https?:|www\.|://|[\w-]\s*[.。·点]\s*(?:com|cn|net|org|top|xyz|vip|cc|info|club|shop|site|online|link|app|io|me|tv|co)(?![a-z])"
)
_CHINESE_DIGITS = str.maketrans("〇零一二三四五六七八九幺壹贰叁肆伍陆柒捌玖两", "0012345678911234567892")


def _bare(text: str) -> str:
    """Letters and digits only, simplified, folded."""
    folded = fold(text).text.translate(_TRADITIONAL)
    plain = unicodedata.normalize("NFD", folded)
    return "".join(character for character in plain if character.isalnum() or character in "|!@$¢¡○ǀ")


def _look(text: str) -> str:
    return "".join(character for character in _bare(text).translate(_LOOK_ALIKE) if character.isalnum())


def check(nickname: str, department_names: Iterable[str]) -> None:
    """Refuse a nickname that is too short or long, looks like an office, or carries a number or a link.

    `department_names` are all names, short names and aliases. Raises Invalid for the field `nickname`, saying what
    to change.
    """
    name = normalise(nickname, lines=False)
    if not SHORTEST <= len(name) <= LONGEST or is_blank(name) or not any(part.isalnum() for part in name):
        raise Invalid(
            _l("A nickname has 2 to 20 characters, some of them letters or digits."), field="nickname"
        )
    if _LINK.search(fold(name).text):
        raise Invalid(_l("A nickname cannot hold a link."), field="nickname")
    if re.search(rf"[0-9]{{{MOST_DIGITS + 1}}}", _bare(name).translate(_CHINESE_DIGITS)):
        raise Invalid(
            _l("A nickname cannot hold a number of seven digits or more: everybody can read it."),
            field="nickname",
        )
    if mask(name, leave=()).findings:
        raise Invalid(
            _l("A nickname cannot hold an account or an address: everybody can read it."), field="nickname"
        )
    bare, look = _bare(name), _look(name)
    if any(_bare(word) in bare for word in RESERVED) or any(_look(word) in look for word in RESERVED_LATIN):
        raise Invalid(
            _l("A nickname cannot look like the police or an office. Please choose another."),
            field="nickname",
        )
    for department in department_names:
        if _holds(bare, look, department):
            raise Invalid(
                _l("A nickname cannot hold the name of a department. Please choose another."),
                field="nickname",
            )


def _holds(bare: str, look: str, department: str) -> bool:
    name = _bare(department)
    if not name:
        return False
    if name.isascii():
        # Two Latin letters or "110" stand in many innocent names; by themselves they are the department.
        return name in bare or _look(department) in look if len(name) > 3 else name == bare
    return name in bare


# Trees, flowers and quiet places that are in every city and are no department's name.
_PLACES = (
    "白杨", "银杏", "丁香", "海棠", "槐荫", "榆钱", "云杉", "樟子松", "沙枣", "柳荫", "紫藤", "玉兰", "桂花", "枫叶", "石榴", "山楂", "杏花", "梨花", "荷塘", "芦苇",
    "河畔", "湖边", "小巷", "老街", "南坡", "北坡", "晨光", "晚风", "初雪", "春雨",
)  # fmt: skip
_NEIGHBOURS = (
    "居民",
    "邻居",
    "住户",
    "街坊",
    "老友",
    "行人",
    "骑车人",
    "散步人",
    "读报人",
    "早起的人",
    "热心人",
    "老住户",
)


def propose() -> str:
    """A friendly nickname such as 银杏街坊27: a tree or a place, a neighbour, two digits; drawn at random, it may be taken."""
    return f"{secrets.choice(_PLACES)}{secrets.choice(_NEIGHBOURS)}{secrets.randbelow(90) + 10}"
