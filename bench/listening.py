"""Many listeners in one thread: the Socket.IO protocol over WebSocket, as far as hints need it.

A client library with a thread a client would measure itself; here a hundred listeners cost less than one of those.
"""

from __future__ import annotations

import base64
import json
import os
import selectors
import socket
import struct
import time
from multiprocessing.connection import Connection
from typing import Any


class Refused(ConnectionError):
    """The server holds as many sockets as it may: whoever comes now polls."""


class Listener:
    """One signed-in client that follows a stream; Refused where there is no room for its socket."""

    def __init__(self, address: tuple[str, int], token: str, stream: str) -> None:
        self.socket = socket.create_connection(address, timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.stream = stream
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            (
                "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n"
                f"Host: {address[0]}:{address[1]}\r\nOrigin: http://{address[0]}:{address[1]}\r\n"
                f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
                f"Sec-WebSocket-Version: 13\r\nCookie: sign_in={token}\r\n\r\n"
            ).encode()
        )
        while b"\r\n\r\n" not in self.buffer:
            part = self.socket.recv(4096)
            if not part:
                raise ConnectionError("the socket was refused")
            self.buffer += part
        head, _end, self.buffer = self.buffer.partition(b"\r\n\r\n")
        if b" 503 " in head[:20]:
            self.socket.close()
            raise Refused("the server has no room for one more socket")
        if b" 101 " not in head[:20]:
            raise ConnectionError(f"no WebSocket: {head[:200]!r}")
        self.await_("0")
        self.send("40")
        self.await_("40")
        self.send(f'420["hello",{json.dumps({stream: 0})}]')
        answer = json.loads(self.await_("430")[3:])[0]
        if answer["refused"]:
            raise ConnectionError(f"the stream was refused: {answer['refused']}")

    def send(self, text: str) -> None:
        """One masked text frame."""
        data, mask = text.encode(), os.urandom(4)
        head = (
            bytes([0x81, 0x80 | len(data)]) if len(data) < 126 else struct.pack("!BBH", 0x81, 0xFE, len(data))
        )
        self.socket.sendall(head + mask + bytes(each ^ mask[at % 4] for at, each in enumerate(data)))

    def await_(self, beginning: str) -> str:
        """The next text that begins so; others are passed over."""
        while True:
            for text in self.texts():
                if text.startswith(beginning):
                    return text
            self.take()

    def take(self) -> None:
        """Read what has come."""
        part = self.socket.recv(1 << 16)
        if not part:
            raise ConnectionError("the socket was closed")
        self.buffer += part

    def texts(self) -> list[str]:
        """The whole text frames that have come; pings are answered."""
        found: list[str] = []
        while len(self.buffer) >= 2:
            length, at = self.buffer[1] & 0x7F, 2
            if length == 126:
                if len(self.buffer) < 4:
                    break
                length, at = struct.unpack("!H", self.buffer[2:4])[0], 4
            elif length == 127:
                if len(self.buffer) < 10:
                    break
                length, at = struct.unpack("!Q", self.buffer[2:10])[0], 10
            if len(self.buffer) < at + length:
                break
            kind, data = self.buffer[0] & 0x0F, self.buffer[at : at + length]
            self.buffer = self.buffer[at + length :]
            if kind == 1:
                text = data.decode()
                if text == "2":
                    self.send("3")
                else:
                    found.append(text)
        return found


def _connected(address: tuple[str, int], token: str, stream: str) -> Listener:
    for attempt in range(50):
        try:
            return Listener(address, token, stream)
        except ConnectionError:
            if attempt == 49:
                raise
            time.sleep(0.05)
    raise AssertionError("unreachable")


def _answer_pings(listeners: list[Listener]) -> None:
    """Two thousand take longer to connect than a server waits for an answer."""
    with selectors.DefaultSelector() as selector:
        for each in listeners:
            selector.register(each.socket, selectors.EVENT_READ, each)
        for key, _events in selector.select(0):
            key.data.take()
            key.data.texts()


def listen(address: tuple[str, int], tokens: list[str], stream: str, pipe: Connection) -> None:
    """Connect one listener a token, say `ready`, and report `(moment, hint)` for each hint until told to stop.

    Moments are those of `time.monotonic()`, which all processes of a machine share. To be run as a process. A full
    worker refuses a listener; it tries again, as a browser does, and another worker takes it.
    """
    try:
        listeners: list[Listener] = []
        for token in tokens:
            listeners.append(_connected(address, token, stream))
            if len(listeners) % 50 == 0:
                _answer_pings(listeners)
    except (OSError, ValueError, KeyError) as error:
        pipe.send(("failed", str(error)))
        return
    heard: list[tuple[float, dict[str, Any]]] = []
    with selectors.DefaultSelector() as selector:
        for each in listeners:
            selector.register(each.socket, selectors.EVENT_READ, each)
        selector.register(pipe, selectors.EVENT_READ, None)
        pipe.send(("ready", len(listeners)))
        while True:
            for key, _events in selector.select():
                if key.data is None:
                    pipe.recv()
                    pipe.send(("heard", heard))
                    return
                key.data.take()
                moment = time.monotonic()
                hints = (text for text in key.data.texts() if text.startswith('42["hint"'))
                heard += [(moment, json.loads(text[2:])[1]) for text in hints]
