"""What every application of a test would work out anew is worked out once in a process.

Thousands of tests make an application each; more than half of their time went into compiling the same templates,
the same addresses and the same statements. Nothing here can be seen by the code under test.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import CodeType
from typing import Any

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from jinja2.bccache import Bucket, BytecodeCache
from sqlalchemy import URL, Dialect, Engine, create_engine, event
from werkzeug.routing import Rule

from board import web

STATIC = Path(__file__).resolve().parents[1] / "static"


class Templates(BytecodeCache):
    """Compiled templates; Jinja compares the checksum of the source itself."""

    def __init__(self) -> None:
        self.kept: dict[str, CodeType] = {}
        self.sums: dict[str, str] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if self.sums.get(bucket.key) == bucket.checksum:
            bucket.code = self.kept[bucket.key]

    def dump_bytecode(self, bucket: Bucket) -> None:
        assert bucket.code is not None
        self.kept[bucket.key], self.sums[bucket.key] = bucket.code, bucket.checksum


class KeptRule(Rule):
    """An address that is read once, and whose builders are compiled once; they hold nothing of the rule, which is
    given to each call."""

    builders: dict[tuple[Any, ...], Callable[..., tuple[str, str]]] = {}
    read: dict[tuple[Any, ...], tuple[Any, ...]] = {}

    def compile(self) -> None:
        assert self.map is not None
        converters = tuple(self.map.converters.items())
        given = (self.rule, self.subdomain, self.host, self.map.host_matching, self.merge_slashes)
        key = (*given, repr(self.defaults), self.is_leaf, self.websocket, converters)
        if key not in self.read:
            super().compile()
            self.read[key] = (self._parts, self._trace, self._converters, frozenset(self.arguments))
            return
        self._parts, self._trace, self._converters, arguments = self.read[key]
        self.arguments = set(arguments)
        self._build = self._compile_builder(False).__get__(self, None)
        self._build_unknown = self._compile_builder(True).__get__(self, None)

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        key = (self.rule, tuple(self._trace), repr(self.defaults), append_unknown)
        if key not in self.builders:
            self.builders[key] = super()._compile_builder(append_unknown)
        return self.builders[key]


def keep() -> None:
    """From now on applications of this process share what they compile."""
    Flask.jinja_options = {**Flask.jinja_options, "bytecode_cache": Templates()}
    Flask.url_rule_class = KeptRule
    # The house's own style sheets and scripts do not change while its tests run; other folders are read each time.
    read_anew, house = web.content_hash, cache(web.content_hash)
    web.content_hash = lambda folder: (house if folder == STATIC else read_anew)(folder)
    probe = create_engine("sqlite://", query_cache_size=5_000)
    probe.connect().close()  # or its dialect would not know what this SQLite can do
    dialects: dict[URL, Dialect] = {}
    make = SQLAlchemy._make_engine

    def made(self: SQLAlchemy, bind_key: str | None, options: dict[str, Any], app: Flask) -> Engine:
        engine = make(self, bind_key, options, app)
        # Compiled statements are kept by dialect and by what they say.
        engine._compiled_cache = probe._compiled_cache
        server = engine.url.set(database=None)
        if engine.dialect.name == "sqlite":
            engine.dialect = probe.dialect
        elif server in dialects:
            engine.dialect = dialects[server]
        else:
            # By then it has asked the server what it can do.
            event.listen(engine, "connect", lambda *_: dialects.setdefault(server, engine.dialect), once=True)
        return engine

    SQLAlchemy._make_engine = made  # type: ignore[method-assign]
