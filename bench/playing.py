"""The threads that a large city is made of: each life is played once through the real verbs, with the clock set back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from board import clock
from board.clock import now
from board.db import db, transaction
from boards.models import Case, Section, Thread
from boards.models.posting import Draft, post, reply
from people.models import Department, Person

# What a copy says instead of this stands at the same place and has the same length.
PLACE = "青松路与建设街"

MATTERS = (
    ("路口红绿灯一直闪黄灯", "从昨天晚上开始一直闪黄灯，早高峰车和人抢着走，很危险。"),
    ("路口标线磨没了", "晚上下雨完全看不清车道，昨天差点撞上，能不能补一下。"),
    ("公交站总有车违停", "公交车只能停在路中间，老人下车很不方便，天天如此。"),
    ("行人绿灯时间太短", "老人走到一半就变红灯了，能不能延长几秒。"),
    ("夜里有人飙车", "连着三晚十二点以后声音特别大，整栋楼都睡不好。"),
    ("标志牌被树枝挡住", "外地司机看不见限速牌，请修剪一下。"),
    ("掉头口能不能开放", "现在要多绕两公里，附近居民都希望能开放。"),
    ("电动车逆行很多", "早晚高峰最多，人行道上也有，请管一管。"),
    ("井盖松动有响声", "车一压就响，已经翘起来一角，骑车的人容易摔倒。"),
    ("请问怎么办理居住证", "刚搬到这里，需要带什么材料，周末能不能办。"),
    ("路灯不亮了", "整条街有七八盏不亮，晚上接孩子很害怕。"),
    ("接到冒充客服的电话", "对方说快递丢失要赔钱，让我下载软件，请提醒大家。"),
)
ANSWERS = (
    "{place}的情况已派民警到现场核实，今天下午处理完毕，感谢您的反映。",
    "您好，{place}的问题已联系养护单位，三个工作日内完成，我们会盯着。",
    "您好，{place}这件事现场已看过，本周内调整好，调整后请您再看看效果。",
)
TALK = (
    "我也天天走这条路，确实是这样。",
    "上个星期我拍了照片，可以提供给民警。",
    "早上七点半到八点最严重。",
    "谢谢反映，我们小区的人都希望能解决。",
    "今天路过看见有人在测量了，应该快了吧。",
    "请问大概什么时候能完成？孩子上学要走这里。",
    "建议同时看看对面的那个口，情况差不多。",
    "晚上的情况比白天还要差一些。",
    "已经比前几天好多了，谢谢民警同志。",
    "希望以后能定期检查，不要等大家来反映。",
)


@dataclass(frozen=True)
class Life:
    """How a thread goes: `weight` of a hundred, when its model is played (before now) and how far its copies move."""

    name: str
    weight: float
    ago: timedelta
    earlier: timedelta
    later: timedelta
    talk: int = 0


LIVES = (
    Life("answered", 50, timedelta(days=20), timedelta(days=160), timedelta(days=19)),
    Life("silent", 18, timedelta(days=20), timedelta(days=160), timedelta(days=12)),
    Life("handled", 13, timedelta(days=20), timedelta(days=160), timedelta(days=17)),
    Life("talked", 4, timedelta(days=20), timedelta(days=160), timedelta(days=17), talk=20),
    Life("pending", 2, timedelta(minutes=40), timedelta(0), timedelta(minutes=39)),
    Life("accepted", 3, timedelta(hours=10), timedelta(hours=20), timedelta(hours=9)),
    Life("working", 4, timedelta(days=2), timedelta(days=1), timedelta(days=1)),
    Life("waiting", 1, timedelta(days=1), timedelta(days=1), timedelta(hours=20)),
    Life("resolved", 5, timedelta(days=3), timedelta(days=3), timedelta(days=2)),
)


@dataclass(frozen=True)
class Model:
    """A thread as it was played, by its table id, and the life it stands for."""

    thread_id: int
    section: str
    life: Life


def play(members: list[int]) -> Iterator[Model]:
    """Play every life in `traffic`, and fewer in the other sections that take posts; yields each model as it stands.

    `members`: table ids of the people who post and reply, at least two.
    """
    sections = [
        (each.key, each.id)
        for each in Section.all()
        if each.is_public and each.makes_cases and not each.is_closed and not each.settings.get("by_place")
    ]
    db.session.rollback()
    place = 0
    for key, _id in sections:
        for life in LIVES:
            if key != "traffic" and life.name in ("handled", "waiting"):
                continue
            yield Model(_played(key, life, members, place), key, life)
            place += 1


def _played(section: str, life: Life, members: list[int], place: int) -> int:
    title, body = MATTERS[place % len(MATTERS)]
    at = now() - life.ago
    if life.ago >= timedelta(days=10):
        at = at.replace(
            hour=2, minute=place % 50, second=0
        )  # in the morning of the city: somebody is on duty
    poster = members[place % (len(members) - 1)]
    thread_id = 0

    def posted() -> None:
        nonlocal thread_id
        home = Section.by_key(section)
        name = f"@{home.department.title} " if home.department is not None else ""
        draft = Draft(title=f"{PLACE}{title}", body=f"{PLACE}附近：{body}请{name}看一下。")
        thread_id = post(home, draft, by=_person(poster)).id

    _at(at, posted)
    for wait, act in _acts(life, members[-1], place):
        at += wait
        _at(at, lambda act=act: act(db.session.get_one(Thread, thread_id)))  # type: ignore[misc]
    return thread_id


def _at(moment: datetime, act: Callable[[], Any]) -> None:
    with clock.freeze(moment), transaction():
        act()


def _person(number: int) -> Person:
    return db.session.get_one(Person, number)


def _case(thread: Thread) -> Case:
    assert thread.case is not None
    return thread.case


def _officer(department: Department) -> Person:
    return next(each for each in department.on_duty() if each.serves(department))


Step = tuple[timedelta, Callable[[Thread], Any]]


def _acts(life: Life, other: int, place: int) -> list[Step]:
    answer = ANSWERS[place % len(ANSWERS)].format(place=PLACE) + f"办理编号 {place}。"
    little, hour, week = timedelta(minutes=7), timedelta(hours=3), timedelta(days=7, minutes=1)

    def by_officer(verb: str, **words: Any) -> Callable[[Thread], Any]:
        return lambda thread: getattr(_case(thread), verb)(by=_officer(_case(thread).department), **words)

    accept: Step = (
        little,
        by_officer("accept", answer=f"{PLACE}的情况已收到，正在安排民警去看，第 {place} 号。"),
    )
    claim: Step = (little, by_officer("claim"))
    resolve: Step = (hour, by_officer("resolve", answer=answer, outcome="explained"))

    def rated(thread: Thread) -> None:
        assert thread.poster is not None
        _case(thread).rate(by=thread.poster, solved="yes", satisfaction="satisfied", words="谢谢，已经好了。")

    rate: Step = (hour, rated)
    talk: list[Step] = [
        (timedelta(minutes=11), lambda thread, words=words: reply(thread, words, by=_person(other)))  # type: ignore[misc]
        for words in (TALK * 2)[: life.talk]
    ]
    lives: dict[str, list[Step]] = {
        "answered": [(little, by_officer("answer", answer=answer, outcome="explained")), rate],
        "silent": [accept, claim, resolve, (week, lambda thread: _case(thread).rating_ended())],
        "handled": [
            (little, by_officer("acknowledge")),
            accept,
            claim,
            (
                hour,
                by_officer("progress", note=f"已到{PLACE}现场查看，正在联系维修单位，第 {place} 次记录。"),
            ),
            resolve,
            rate,
        ],
        "talked": [accept, claim, *talk, resolve, rate],
        "pending": [],
        "accepted": [accept],
        "working": [accept, claim],
        "waiting": [accept, claim, (little, by_officer("ask", question="请问是哪个方向的灯，几点看到的？"))],
        "resolved": [accept, claim, resolve],
    }
    return lives[life.name]
