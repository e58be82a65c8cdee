"""Stock phrases (常用语) of a department. Useful to begin with; they never count as an answer."""

from __future__ import annotations

import re

from sqlalchemy import ForeignKey, String, select
from sqlalchemy import Text as Long
from sqlalchemy.orm import Mapped, mapped_column, relationship

from board.db import Model, PublicId, db
from board.text import normalise
from people.models import Department


class StockPhrase(PublicId, Model):
    """One phrase: a short title for the list, and its words."""

    __tablename__ = "stock_phrase"

    id: Mapped[int] = mapped_column(primary_key=True)
    department_id: Mapped[int] = mapped_column(ForeignKey("department.id"), index=True)
    title: Mapped[str] = mapped_column(String(40))
    words: Mapped[str] = mapped_column(Long)
    position: Mapped[int] = mapped_column(default=0)

    department: Mapped[Department] = relationship()


def phrases_of(department: Department) -> list[StockPhrase]:
    """A department's phrases in their order."""
    return list(
        db.session.scalars(
            select(StockPhrase)
            .where(StockPhrase.department_id == department.id)
            .order_by(StockPhrase.position, StockPhrase.id)
        )
    )


def core(words: str) -> str:
    """Words as they are compared: without spaces, punctuation and letter case."""
    return "".join(character for character in normalise(words, lines=False).casefold() if character.isalnum())


def is_stock(words: str, department: Department) -> bool:
    """Whether `words` are nothing but the department's phrases, one or several."""
    rest = core(words)
    for phrase in sorted((core(each.words) for each in phrases_of(department)), key=len, reverse=True):
        if phrase:
            rest = rest.replace(phrase, "")
    return not rest


BRIEF = 45  # letters over which words say more than that it was passed on; twice as many in English

_PASSED_ON = re.compile(
    r"(转|交|移交|反馈|上报|报送|转达|转送|通知)(至|到|给|由|了|往)*"
    r"(相关|有关|职能|责任|主管|对口|承办|上级)(业务)*(部门|单位|科室|处室|领导|同志|人员|机构)"
    r"|(forward|pass|transfer|refer|report)(r?ed)(it|this|yourcase|yourpost|yourmatter)?(on)?to(the|our)?"
    r"(relevant|responsible|competent|appropriate|concerned)(department|unit|office|team)s?"
)
_TELLS_MORE = re.compile(
    r"[0-9０-９]|今天|今晚|明天|后天|本周|下周|周[一二三四五六日天]|today|tomorrow|(mon|tues|wednes|thurs|fri|satur|sun)day"
)


def passes_on(words: str) -> bool:
    """Whether `words` say nothing but that the matter was passed to some department: no answer to anybody."""
    said = core(words)
    return (
        len(said) <= (2 * BRIEF if said.isascii() else BRIEF)
        and bool(_PASSED_ON.search(said))
        and not _TELLS_MORE.search(words.casefold())
    )
