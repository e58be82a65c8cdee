"""Another process of the board, without the seconds that a fresh Python needs to import it.

Tests kill workers, and run code beside a board as other processes would. Each such process is a fork of one that has
imported the board and nothing else: it has no connection, no thread and no application of the test's, makes its own
application from its own environment, and dies as any process does.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from multiprocessing import get_context
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from tempfile import TemporaryDirectory

from board import PARTS

ROOT = Path(__file__).resolve().parents[1]
_server = get_context("forkserver")


def run(
    code: str, *words: str, env: Mapping[str, str], timeout: float = 120
) -> subprocess.CompletedProcess[str]:
    """Run `code` as `python -c` would, with these words and this environment; what it printed and how it ended."""
    with TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        process = start(code, *words, env=env, out=out, err=err)
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(code, timeout, out.read_bytes(), err.read_bytes())
        answer = subprocess.CompletedProcess(
            ["python", "-c", code, *words], process.exitcode, out.read_text("utf-8"), err.read_text("utf-8")
        )
        process.close()
    return answer


def start(code: str, *words: str, env: Mapping[str, str], out: Path, err: Path) -> ForkServerProcess:
    """Let it run; what it prints goes into these files."""
    # Whatever of the board this process knows by now; to import it changes nothing.
    _server.set_forkserver_preload(
        [name for name in sys.modules if name.partition(".")[0] in ("board", *PARTS)] + [__name__]
    )
    process = _server.Process(target=_become, args=(code, words, dict(env), str(out), str(err)))
    process.start()
    return process


def _become(code: str, words: tuple[str, ...], env: dict[str, str], out: str, err: str) -> None:
    for number, place in ((1, out), (2, err)):
        opened = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False, buffering=1)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(ROOT)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = ["-c", *words]
    exec(compile(code, "<another process>", "exec"), {"__name__": "__main__"})
