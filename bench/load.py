"""A small load generator: a few connections kept alive, each with one request under way, in one thread."""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field

Ask = Callable[[], bytes]


class Unexpected(RuntimeError):
    """An answer that no page of the measurement may give; the message shows how it begins."""


@dataclass
class Run:
    """What one run measured: latencies in seconds, how long it took, bytes received."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    received: int = 0
    processor: float = 0.0  # seconds that the server's processes spent

    def add(self, other: Run) -> None:
        """Take another run of the same thing into this one."""
        self.seconds += other.seconds
        self.latencies += other.latencies
        self.received += other.received
        self.processor += other.processor

    @property
    def rate(self) -> float:
        """Requests a second."""
        return len(self.latencies) / self.seconds if self.seconds else 0.0

    def percentile(self, share: float) -> float:
        """The latency in milliseconds that `share` (0 to 1) of the requests stayed within."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000 if ordered else 0.0

    @property
    def cost(self) -> float:
        """Milliseconds of processor time that the server spent on a request."""
        return self.processor / len(self.latencies) * 1000 if self.latencies else 0.0


class _Line:
    """One connection and the answer it waits for."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.address = address
        self.socket = self._open()
        self.began = 0.0
        self.sent = b""
        self.buffer = b""
        self.needed = -1
        self.fresh = True

    def _open(self) -> socket.socket:
        found = socket.create_connection(self.address, timeout=30)
        found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return found

    def ask(self, request: bytes) -> None:
        """Send a request; its answer is awaited."""
        self.sent, self.buffer, self.needed = request, b"", -1
        self.began = time.perf_counter()
        self.socket.sendall(request)

    def again(self) -> None:
        """The server closed an idle connection: open another one and ask again."""
        self.socket.close()
        self.socket = self._open()
        self.buffer, self.needed = b"", -1
        self.socket.sendall(self.sent)

    def read(self) -> bool | None:
        """Take what has come; True when the answer is whole, None when the connection was closed before."""
        part = self.socket.recv(1 << 20)
        if not part:
            return None
        self.buffer += part
        if self.needed < 0:
            head, found, _rest = self.buffer.partition(b"\r\n\r\n")
            if not found:
                return False
            self.needed = len(head) + 4 + _length(head)
        return len(self.buffer) >= self.needed


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _colon, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            return int(value)
    raise Unexpected(f"an answer without a length: {head[:200]!r}")


def load(
    address: tuple[str, int],
    ask: Ask,
    *,
    seconds: float,
    connections: int,
    statuses: tuple[int, ...] = (200,),
    most: int = 10**9,
    seen: Callable[[bytes], None] | None = None,
) -> Run:
    """Ask for `seconds`, at most `most` times, and give what was measured. `seen` is shown each answer.

    Raises Unexpected for an answer of another status.
    """
    run = Run()
    wanted = tuple(f"HTTP/1.1 {status} ".encode() for status in statuses)
    with selectors.DefaultSelector() as selector:
        lines = [_Line(address) for _number in range(connections)]
        asked = 0
        began = time.perf_counter()
        for line in lines:
            line.ask(ask())
            asked += 1
            selector.register(line.socket, selectors.EVENT_READ, line)
        waiting = len(lines)
        while waiting:
            for key, _events in selector.select(30):
                line = key.data
                whole = line.read()
                if whole is None:
                    selector.unregister(line.socket)
                    line.again()
                    selector.register(line.socket, selectors.EVENT_READ, line)
                    continue
                if not whole:
                    continue
                moment = time.perf_counter()
                if not line.buffer.startswith(wanted):
                    raise Unexpected(line.buffer[:1500].decode(errors="replace"))
                run.latencies.append(moment - line.began)
                run.received += len(line.buffer)
                if seen is not None:
                    seen(line.buffer)
                if moment - began < seconds and asked < most:
                    line.ask(ask())
                    asked += 1
                else:
                    waiting -= 1
                    selector.unregister(line.socket)
                    line.socket.close()
        run.seconds = time.perf_counter() - began
    return run


def fetch(address: tuple[str, int], request: bytes, *statuses: int) -> bytes:
    """The whole answer to one request, of status 200 unless others are named."""
    answers: list[bytes] = []
    load(
        address,
        lambda: request,
        seconds=0,
        connections=1,
        most=1,
        statuses=statuses or (200,),
        seen=answers.append,
    )
    return answers[0]


def get(address: tuple[str, int], path: str, *, cookie: str = "") -> bytes:
    """One GET request as bytes."""
    extra = f"Cookie: {cookie}\r\n" if cookie else ""
    return (
        f"GET {path} HTTP/1.1\r\nHost: {address[0]}:{address[1]}\r\nAccept: text/html\r\n"
        f"Accept-Language: zh-CN\r\n{extra}\r\n"
    ).encode()


def post(address: tuple[str, int], path: str, body: bytes, *, cookie: str = "", client: str = "") -> bytes:
    """One POST of a form as bytes; `client` is the address that a proxy would report."""
    host = f"{address[0]}:{address[1]}"
    extra = f"Cookie: {cookie}\r\n" if cookie else ""
    extra += f"X-Forwarded-For: {client}\r\n" if client else ""
    return (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nAccept: text/html\r\n{extra}"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def body_of(answer: bytes) -> bytes:
    """The body of a whole answer."""
    return answer.partition(b"\r\n\r\n")[2]


def header(answer: bytes, name: str) -> str:
    """A header of a whole answer, empty when it has none."""
    for line in answer.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]:
        key, _colon, value = line.partition(b":")
        if key.strip().lower() == name.lower().encode():
            return value.strip().decode()
    return ""
