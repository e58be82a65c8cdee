"""The board and its index: what is posted is found, what is taken from sight is not, not even for a moment."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask, current_app
from whoosh.filedb.filestore import FileStorage

from board import jobs
from board.clock import advance, now
from board.db import db, transaction
from board.i18n import speaking
from board.seams import provided
from boards.models import Case, Thread
from search import engine
from search.engines import Changes
from search.finding import find
from search.query import Filters, Query
from search.threads import changes_of, count_public, documents_of
from search.upkeep import KIND, rebuild
from search.whoosh_engine import WhooshEngine
from tests.builders import Cast, posted


def found(typed: str, reader=None, **filters: str) -> list[str]:
    """The titles that `reader` finds."""
    results = find(engine(), Query.parse(typed), Filters(**filters), reader=reader)
    return [each.document.title for each in results.rows]


def index_folder() -> Path:
    """Where this board keeps its index."""
    folder: Path = current_app.config["SETTINGS"].data / "index"
    return folder


def waiting() -> int:
    return int(
        db.session.scalar(
            db.select(db.func.count())
            .select_from(jobs.Job)
            .where(jobs.Job.kind == KIND, jobs.Job.done_at.is_(None))
        )
        or 0
    )


def index() -> None:
    """Let the worker write what waits."""
    jobs.run_due(kinds=(KIND,))


@pytest.fixture
def light(reported) -> Case:
    """Rita's case about the traffic light, found by search."""
    index()
    return reported()


def test_what_is_posted_is_found_once_the_worker_has_written_it(cast, reported):
    index()

    for typed in (
        "红绿灯",
        "黄灯",
        "早高峰",
        "交警支队",
        "交警",
        "交管业务",
        "Traffic Police",
        reported().number,
    ):
        assert found(typed) == ["青松路与建设街路口红绿灯一直闪黄灯"], typed
    assert found("出入境") == []


def test_an_answer_is_found_and_a_note_is_not(cast, light):
    with transaction():
        db.session.get_one(Case, light.id).accept(by=cast.otto, answer="配时方案今晚调整，请留意。")
    with transaction():
        db.session.get_one(Case, light.id).note(by=cast.otto, note="信号机厂家说主板烧了，先别公开。")
    index()

    assert found("配时方案") != []
    assert found("主板") == []


def test_the_filters_follow_the_case(cast, light):
    assert found("黄灯", section="traffic", department="traffic-police", status="pending") != []
    assert found("黄灯", section="household") == []
    assert found("黄灯", department="household-police") == []

    with transaction():
        db.session.get_one(Case, light.id).accept(by=cast.otto, answer="两名民警正赶往路口。")
    # The index still says pending: the row decides.
    assert found("黄灯", status="pending") == []
    index()

    assert found("黄灯", status="pending") == []
    assert found("黄灯", status="accepted") != []


def test_covered_words_are_not_found_even_before_the_index_knows(cast, light):
    with transaction():
        thread = db.session.get_one(Thread, light.thread_id)
        body = thread.body.public
        at = body.index("早高峰")
        thread.cover(by=cast.rita, text=thread.body, spans=[(at, at + 3)])

    assert found("早高峰") == []
    assert found("黄灯") != []
    index()
    assert found("早高峰") == []
    assert found("黄灯") != []


def test_a_held_thread_is_found_by_nobody_even_before_the_index_knows(cast, light):
    with transaction():
        db.session.get_one(Thread, light.thread_id).hold(by=cast.mona, reason="private_data")

    for reader in (None, cast.rita, cast.otto, cast.mona):
        assert found("黄灯", reader) == []
    index()
    assert engine().search(Query.parse("黄灯")) == []

    with transaction():
        db.session.get_one(Thread, light.thread_id).release(by=cast.mona)
    index()
    assert found("黄灯") != []


def test_a_restricted_thread_never_enters_the_index(cast):
    with transaction():
        thread = posted(cast.rita, title="家里的事不想让别人知道", restrict=True)
        assert thread.is_restricted
        public_id = thread.public_id
    index()

    assert documents_of([public_id]) == {}
    assert changes_of([public_id]).gone == [public_id]
    assert engine().search(Query.parse("家里")) == []
    assert found("家里", cast.otto) == []


def test_a_page_is_filled_although_the_index_names_threads_that_are_gone(cast):
    with transaction():
        kept = [posted(cast.rita, title=f"路灯坏了第 {n} 天", body="请看一下。").public_id for n in range(8)]
    index()
    with transaction():
        for public_id in kept[1::2]:
            thread = db.session.scalars(db.select(Thread).where(Thread.public_id == public_id)).one()
            thread.hold(by=cast.mona, reason="duplicate_flood")

    first = find(engine(), Query.parse("路灯"), Filters(), reader=None, limit=3)
    assert len(first.rows) == 3
    assert first.older is not None
    last = find(engine(), Query.parse("路灯"), Filters(), reader=None, limit=3, before=first.older)

    assert [each.document.id for each in (*first.rows, *last.rows)].count(kept[0]) == 1
    assert {each.document.id for each in (*first.rows, *last.rows)} == set(kept[::2])
    assert last.older is None


def test_the_last_page_says_that_it_is_the_last(cast):
    with transaction():
        for number in range(6):
            posted(cast.rita, title=f"路灯坏了第 {number} 天", body="请看一下。")
    index()

    first = find(engine(), Query.parse("路灯"), Filters(), reader=None, limit=3)
    second = find(engine(), Query.parse("路灯"), Filters(), reader=None, limit=3, before=first.older)

    assert (len(first.rows), len(second.rows), second.older) == (3, 3, None)


def test_the_characters_are_tried_where_the_words_find_nothing(cast, light):
    results = find(engine(), Query.parse("口红"), Filters(), reader=None)

    assert results.by_letter
    assert [each.document.title for each in results.rows] == ["青松路与建设街路口红绿灯一直闪黄灯"]


def test_one_commit_writes_everything_that_waits(cast, monkeypatch):
    with transaction():
        for number in range(5):
            posted(cast.rita, title=f"路灯坏了第 {number} 天", body="请看一下。")
    rebuild(engine())
    with transaction():
        for number in range(5):
            posted(cast.rita, title=f"井盖松了第 {number} 天", body="请看一下。")
    assert waiting() >= 10
    written: list[int] = []
    write = WhooshEngine.write

    def counted(self: WhooshEngine, changes: Changes) -> None:
        written.append(len(changes.documents))
        write(self, changes)

    monkeypatch.setattr(WhooshEngine, "write", counted)

    assert jobs.run_one(kinds=(KIND,))

    assert written == [10]
    assert waiting() == 0
    assert len(found("井盖")) == 5


def test_the_first_job_of_a_new_board_makes_the_index(cast, reported):
    assert not engine().exists()

    index()

    assert engine().status().documents == count_public() == 1


def test_jobs_wait_while_another_process_writes_and_cost_no_attempt(cast, light):
    folder = next(index_folder().glob("index-*"))
    with transaction():
        posted(cast.rita, title="井盖松了", body="请看一下。")
    lock = FileStorage(str(folder)).lock("MAIN_WRITELOCK")
    assert lock.acquire()
    assert jobs.run_one(kinds=(KIND,))
    lock.release()

    job = db.session.scalar(db.select(jobs.Job).where(jobs.Job.kind == KIND, jobs.Job.done_at.is_(None)))
    assert job is not None
    assert job.attempts == 0
    assert job.due_at > now()
    advance(timedelta(seconds=5))
    index()
    assert found("井盖") == ["井盖松了"]


def test_nothing_is_lost_while_the_index_is_damaged(cast, light):
    for path in index_folder().glob("index-*/*"):
        path.write_bytes(b"")
    with transaction():
        posted(cast.rita, title="井盖松了", body="请看一下。")
    index()
    assert waiting() > 0

    rebuild(engine())

    assert found("井盖") == ["井盖松了"]
    assert found("黄灯") != []


def test_a_deleted_index_comes_back_with_the_next_step(cast, light):
    shutil.rmtree(index_folder())
    with transaction():
        posted(cast.rita, title="井盖松了", body="请看一下。")
    index()

    assert found("井盖") == ["井盖松了"]
    assert found("黄灯") != []


def test_a_post_made_and_written_during_a_rebuild_is_in_the_new_index(cast, light):
    def watched(documents):
        yield from documents
        # The rebuild has read everything; now somebody posts, and the worker writes into the old index.
        with transaction():
            posted(cast.rita, title="井盖松了", body="请看一下。")
        index()
        assert found("井盖") == ["井盖松了"]

    rebuild(engine(), watched)

    assert found("井盖") == ["井盖松了"]
    assert engine().status().documents == 2


def test_similar_threads_are_public_ones_about_the_same(cast):
    with transaction():
        posted(cast.rita, title="解放路路灯不亮", body="晚上很黑。")
    advance(timedelta(days=3))
    with transaction():
        posted(cast.vera, title="解放路路灯坏了三天", body="走路看不见。")
        posted(cast.vera, title="解放路路灯坏了但不想公开", body="走路看不见。", restrict=True)
        posted(cast.vera, title="身份证补办要多久", body="请问。", section="household")
    index()

    near = provided("similar_threads", "解放路路灯又坏了", default=[])

    assert [thread.title for thread in near] == ["解放路路灯坏了三天", "解放路路灯不亮"]
    assert provided("similar_threads", "", default=[]) == []
    shutil.rmtree(index_folder())
    assert provided("similar_threads", "解放路路灯又坏了", default=[]) == []


def test_the_commands_rebuild_and_report(app: Flask, cast: Cast, light: Case):
    shutil.rmtree(index_folder())
    db.session.rollback()
    runner = app.test_cli_runner()

    broken = runner.invoke(args=["search", "status"])
    made = runner.invoke(args=["search", "rebuild"])
    good = runner.invoke(args=["search", "status"])

    assert (broken.exit_code, made.exit_code, good.exit_code) == (1, 0, 0), (made.output, good.output)
    assert "flask search rebuild" in broken.output
    assert "还没有索引" in broken.output
    assert "1 篇帖子已编入索引" in made.output
    assert good.output.startswith("公开帖子 1 篇，已编入 1 篇")


def test_the_commands_speak_english_as_well(app: Flask, cast: Cast, light: Case):
    db.session.rollback()
    runner = app.test_cli_runner()

    with speaking("en"):
        made = runner.invoke(args=["search", "rebuild"])
        good = runner.invoke(args=["search", "status"])

    assert "1 thread indexed in" in made.output
    assert good.output.startswith("1 of 1 public threads")


def test_nobody_is_found_by_who_posted(cast, light):
    assert found(cast.rita.nickname) == []
    assert found("欧阳涛") == []
