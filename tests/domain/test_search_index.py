"""The Whoosh index: what it finds, who may write, and what happens when it breaks."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from whoosh.filedb.filestore import FileStorage

from search.document import Document
from search.engines import Changes, EngineBusy, SearchUnavailable, Status
from search.query import Filters, Query
from search.whoosh_engine import WhooshEngine, _open, _row

NOON = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
ROOT = Path(__file__).resolve().parents[2]


def thread(public_id: str, title: str, minutes: int = 0, **more) -> Document:
    return Document(id=public_id, title=title, posted_at=NOON + timedelta(minutes=minutes), **more)


LAMP = thread("lamp", "人民路的路灯坏了", 1, section="12345", departments=("lights",), status="pending")
BIKE = thread(
    "bike",
    "共享单车乱停放",
    2,
    body="小区门口走不了人",
    section="traffic",
    departments=("traffic-police", "lights"),
    status="resolved",
)
CARD = thread("card", "身份证丢了", 3, body="想问补办身份证要几天", section="household", status="pending")
BOARD = (LAMP, BIKE, CARD)


def nothing_late() -> Changes:
    return Changes()


@pytest.fixture
def engine(tmp_path) -> WhooshEngine:
    engine = WhooshEngine(tmp_path / "index")
    engine.rebuild(BOARD, nothing_late)
    return engine


def found(engine: WhooshEngine, typed: str, **more) -> list[str]:
    return [hit.id for hit in engine.search(Query.parse(typed), **more)]


def test_results_come_newest_first_and_page_by_place(engine):
    engine.write(Changes([thread(f"n{n:02}", f"路灯第{n}盏不亮", 10 + n) for n in range(7)]))

    first = engine.search(Query.parse("路灯"), limit=3)
    second = engine.search(Query.parse("路灯"), limit=3, before=first[-1].order)
    third = engine.search(Query.parse("路灯"), limit=3, before=second[-1].order)

    assert [hit.id for hit in (*first, *second, *third)] == [
        *("n06", "n05", "n04"),
        *("n03", "n02", "n01"),
        *("n00", "lamp"),
    ]


def test_threads_of_one_moment_are_all_reached_by_paging(engine):
    engine.write(Changes([thread(f"same{n}", "停水通知", 30) for n in range(10)]))

    seen: list[str] = []
    before = None
    while hits := engine.search(Query.parse("停水"), limit=3, before=before):
        seen += [hit.id for hit in hits]
        before = hits[-1].order

    assert sorted(seen) == [f"same{n}" for n in range(10)]


def test_filters_narrow_the_results(engine):
    assert found(engine, "路灯 坏", filters=Filters(section="12345")) == ["lamp"]
    assert found(engine, "路灯", filters=Filters(section="traffic")) == []
    assert found(engine, "单车", filters=Filters(department="lights")) == ["bike"]
    assert found(engine, "单车", filters=Filters(department="traffic-police", status="resolved")) == ["bike"]
    assert found(engine, "单车", filters=Filters(status="pending")) == []


def test_words_left_out_are_left_out(engine):
    assert found(engine, "坏 -路灯") == []
    assert found(engine, "坏 -单车") == ["lamp"]


def test_a_rewritten_thread_is_found_by_its_new_words_only(engine):
    engine.write(Changes([thread("lamp", "人民路的井盖松了", 1, version=7)]))

    assert found(engine, "路灯") == []
    assert [(hit.id, hit.version) for hit in engine.search(Query.parse("井盖"))] == [("lamp", 7)]


def test_a_thread_that_goes_is_not_found(engine):
    engine.write(Changes(gone=["bike"]))

    assert found(engine, "单车") == []
    assert found(engine, "路灯") == ["lamp"]


def test_an_empty_index_is_no_broken_one(tmp_path):
    engine = WhooshEngine(tmp_path / "index")
    assert not engine.exists()
    engine.rebuild([], nothing_late)

    assert engine.exists()
    assert found(engine, "路灯") == []
    assert engine.similar("路灯坏了") == []
    assert engine.status() == Status(0, engine.status().size, "")
    engine.write(Changes([LAMP]))
    assert found(engine, "路灯") == ["lamp"]
    engine.write(Changes(gone=["lamp"]))
    assert found(engine, "路灯") == []


def test_similar_threads_share_the_telling_words(tmp_path):
    engine = WhooshEngine(tmp_path / "index")
    filler = [thread(f"f{n}", f"第{n}号窗口排队太久", n) for n in range(40)]
    engine.rebuild(
        [*filler, thread("old", "解放路路灯不亮", 1), thread("new", "解放路路灯又不亮", 90), BIKE],
        nothing_late,
    )

    assert [hit.id for hit in engine.similar("解放路的路灯坏了好几天")] == ["new", "old"]
    assert engine.similar("") == []
    assert engine.similar("今天天气很好") == []


def test_similar_threads_do_not_depend_on_when_the_index_was_merged(tmp_path):
    """A thread rewritten ten times leaves ten dead copies until a merge; a merge may be set off by a hidden one."""
    engine = WhooshEngine(tmp_path / "index")
    filler = [thread(f"f{n}", f"第{n}号窗口排队太久", n) for n in range(40)]
    engine.rebuild([*filler, thread("lamp", "解放路路灯不亮", 1)], nothing_late)
    before = [hit.id for hit in engine.similar("解放路路灯")]
    for minute in range(10):
        with _open(engine._folder()).writer() as writer:
            writer.update_document(**_row(thread("lamp", "解放路路灯不亮", minute)))
            writer.merge = False

    with engine._searcher() as searcher:
        assert searcher.reader().doc_frequency("words", "路灯") == 11, "the dead copies are gone already"
    assert [hit.id for hit in engine.similar("解放路路灯")] == before == ["lamp"]


def test_a_thread_that_was_never_there_moves_nothing_when_it_goes(engine):
    files = sorted(path.name for path in engine.root.glob("index-*/*"))

    engine.write(Changes([], ["restricted"]))

    assert sorted(path.name for path in engine.root.glob("index-*/*")) == files


def test_two_writers_cannot_write_at_once_and_nothing_is_lost(engine):
    folder = engine.root / next(path.name for path in engine.root.glob("index-*"))
    lock = FileStorage(str(folder)).lock("MAIN_WRITELOCK")
    assert lock.acquire()
    with pytest.raises(EngineBusy):
        engine.write(Changes([thread("late", "井盖松了", 5)]))
    lock.release()

    # Each writer tries again when the other is there: that is what the job queue does.
    def write(name: str) -> None:
        for number in range(8):
            while True:
                try:
                    WhooshEngine(engine.root).write(Changes([thread(f"{name}{number}", "井盖松了", number)]))
                    break
                except EngineBusy:
                    time.sleep(0.01)

    writers = [threading.Thread(target=write, args=(name,)) for name in ("otto", "otis")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    assert len(found(engine, "井盖", limit=100)) == 16


def test_readers_never_stumble_over_a_writer(engine):
    stop = threading.Event()
    broken: list[BaseException] = []

    def read() -> None:
        while not stop.is_set():
            try:
                assert "lamp" in found(engine, "路灯", limit=100)
            except BaseException as error:
                broken.append(error)
                return

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for number in range(12):
        engine.write(Changes([thread(f"w{number}", "路灯不亮", number)]))
    engine.rebuild(BOARD, nothing_late)
    stop.set()
    for reader in readers:
        reader.join()

    assert broken == []


def test_a_reader_follows_a_rebuild_that_swept_the_folder_it_was_told_of(engine, monkeypatch):
    """The moment between reading the name of the index folder and looking into it."""
    engine.write(Changes([thread("lamp", "路灯不亮", 1)]))
    told, old = WhooshEngine._pointed_at, engine._folder().name
    answers = [old]
    engine.rebuild(BOARD, nothing_late)
    assert not (engine.root / old).exists()
    monkeypatch.setattr(WhooshEngine, "_pointed_at", lambda self: answers.pop() if answers else told(self))

    assert "lamp" in found(engine, "路灯", limit=100)
    assert answers == []


WRITER = textwrap.dedent(
    """
    import sys
    from datetime import UTC, datetime
    from pathlib import Path
    from search.document import Document
    from search.engines import Changes
    from search.whoosh_engine import WhooshEngine, _open, _row

    engine = WhooshEngine(Path(sys.argv[1]))
    moment = datetime(2026, 11, 21, tzinfo=UTC)

    def threads():
        for number in range(100_000):
            if number == 40:
                print("under way", flush=True)
            yield Document(id=f"x{number}", title=f"井盖松了 {number}", posted_at=moment, body="路口 " * 200)

    if sys.argv[2] == "rebuild":
        engine.rebuild(threads(), Changes)
    else:
        batch = []
        for document in threads():
            batch.append(document)
            if len(batch) == 10:
                engine.write(Changes(batch))
                batch = []
    """
)


def kill_in_the_middle(root: Path, act: str, after: float) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(root), act], stdout=subprocess.PIPE, cwd=ROOT
    )
    assert process.stdout is not None
    assert process.stdout.readline()
    time.sleep(after)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()


@pytest.mark.parametrize("after", [0.0, 0.07, 0.3])
def test_a_writer_killed_in_the_middle_harms_nothing(engine, after):
    kill_in_the_middle(engine.root, "write", after)

    assert found(engine, "路灯") == ["lamp"]
    # Batches of ten are whole or not there, and nobody keeps the lock.
    assert len(found(engine, "井盖", limit=10_000)) % 10 == 0
    engine.write(Changes([thread("after", "停水了", 9)]))
    assert found(engine, "停水") == ["after"]
    assert engine.status().problem == ""


def test_a_rebuild_killed_in_the_middle_leaves_the_old_index_and_no_rubbish(engine):
    kill_in_the_middle(engine.root, "rebuild", 0.2)
    assert len(list(engine.root.glob("index-*"))) == 2
    assert found(engine, "路灯") == ["lamp"]

    engine.rebuild(BOARD, nothing_late)

    assert len(list(engine.root.glob("index-*"))) == 1
    assert found(engine, "路灯") == ["lamp"]
    assert found(engine, "井盖") == []


def test_a_rebuild_keeps_what_was_written_while_it_ran(engine):
    posted = thread("fresh", "井盖松了", 9)

    def slowly():
        yield LAMP
        # Somebody posts and somebody withdraws while the rebuild reads.
        engine.write(Changes([posted], gone=["bike"]))
        assert found(engine, "井盖") == ["fresh"]
        yield BIKE

    assert engine.rebuild(slowly(), lambda: Changes([posted], gone=["bike"])) == 2

    assert found(engine, "井盖") == ["fresh"]
    assert found(engine, "单车") == []
    assert found(engine, "路灯") == ["lamp"]


def test_nobody_can_write_between_the_replay_and_the_swap(engine):
    refused: list[bool] = []

    def late() -> Changes:
        try:
            WhooshEngine(engine.root).write(Changes([thread("lost", "井盖松了")]))
        except EngineBusy:
            refused.append(True)
        return Changes()

    engine.rebuild(BOARD, late)

    assert refused == [True]
    engine.write(Changes([thread("kept", "井盖松了")]))
    assert found(engine, "井盖") == ["kept"]


def test_two_rebuilds_do_not_run_at_once(engine):
    def documents():
        with pytest.raises(EngineBusy):
            WhooshEngine(engine.root).rebuild(BOARD, nothing_late)
        yield from BOARD

    assert engine.rebuild(documents(), nothing_late) == 3


def test_a_rebuild_that_fails_leaves_the_old_index(engine):
    def documents():
        yield CARD
        raise RuntimeError("the database went away")

    with pytest.raises(RuntimeError):
        engine.rebuild(documents(), nothing_late)

    assert found(engine, "路灯") == ["lamp"]
    assert len(list(engine.root.glob("index-*"))) == 1


def truncated(root: Path) -> None:
    for path in root.glob("index-*/*.seg"):
        os.truncate(path, path.stat().st_size // 3)


def overwritten(root: Path) -> None:
    for path in root.glob("index-*/*.seg"):
        path.write_bytes(b"\xff" * path.stat().st_size)


def emptied(root: Path) -> None:
    for path in root.glob("index-*/*"):
        path.write_bytes(b"")


def deleted(root: Path) -> None:
    shutil.rmtree(root)


def without_its_folder(root: Path) -> None:
    for path in root.glob("index-*"):
        shutil.rmtree(path)


def with_a_broken_pointer(root: Path) -> None:
    (root / "current").write_text("{")


def of_another_version(root: Path) -> None:
    folder = next(root.glob("index-*")).name
    (root / "current").write_text(f'{{"folder": "{folder}", "format": 0}}')


@pytest.mark.parametrize(
    "damage",
    [truncated, overwritten, emptied, deleted, without_its_folder, with_a_broken_pointer, of_another_version],
    ids=lambda function: function.__name__,
)
def test_a_broken_index_says_so_and_a_rebuild_repairs_it(engine, damage):
    damage(engine.root)

    with pytest.raises(SearchUnavailable):
        engine.search(Query.parse("路灯"))
    with pytest.raises(SearchUnavailable):
        engine.similar("路灯坏了")
    assert engine.status().problem

    assert engine.rebuild(BOARD, nothing_late) == 3
    assert found(engine, "路灯") == ["lamp"]
    assert engine.status().problem == ""
    assert engine.status().documents == 3


@pytest.mark.parametrize("damage", [deleted, without_its_folder, emptied, with_a_broken_pointer])
def test_writing_to_a_broken_index_is_refused_not_forgotten(engine, damage):
    damage(engine.root)

    with pytest.raises(SearchUnavailable):
        engine.write(Changes([thread("late", "井盖松了")]))


def test_an_index_truncated_while_it_is_read_does_not_kill_the_process(engine):
    # Words that do not compress: a small file would be in the reader's buffer as a whole before it shrinks.
    noise = random.Random(24)
    bodies = [noise.randbytes(4_000).hex() for _n in range(50)]
    engine.write(Changes([thread(f"t{n}", "路灯不亮", n, body=body) for n, body in enumerate(bodies)]))

    def read_while_it_shrinks() -> None:
        with engine._searcher() as searcher:
            truncated(engine.root)
            # Everything, since how much of the file was read before depends on how its parts happen to lie.
            for field, word in searcher.reader().all_terms():
                list(searcher.postings(field, word).all_ids())

    with pytest.raises(SearchUnavailable):
        read_while_it_shrinks()


PIECES = [
    "共享单车",
    "身份证号码",
    "商品和服务",
    "欧阳涛",
    "路灯",
    "天天",
    "坏了",
    "110",
    "K12",
    "，",
    "。",
    " ",
    "的",
]
TEXTS = st.lists(st.sampled_from(PIECES), min_size=1, max_size=6).map("".join)
TYPED = st.lists(st.tuples(st.sampled_from(["", "", "-"]), TEXTS, st.booleans()), min_size=1, max_size=3).map(
    lambda parts: " ".join(f'{minus}"{text}"' if quoted else minus + text for minus, text, quoted in parts)
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    boards=st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=6),
    typed=st.lists(TYPED, min_size=1, max_size=6),
)
def test_the_index_finds_exactly_what_the_query_means(tmp_path_factory, boards, typed):
    documents = [thread(f"d{n}", title, n, body=body) for n, (title, body) in enumerate(boards)]
    engine = WhooshEngine(tmp_path_factory.mktemp("index"))
    engine.rebuild(documents[:3], nothing_late)
    engine.write(Changes(documents[3:]))

    for one in typed:
        for query in (Query.parse(one), Query.parse(one).letter_by_letter()):
            meant = [] if query.empty else [d.id for d in reversed(documents) if query.matches(d)]
            assert [hit.id for hit in engine.search(query)] == meant, one
