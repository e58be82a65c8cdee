"""Parts of a page that are equal for all readers: drawn once, and given again while their key stands.

    {% kept (lang, here) %} … {% endkept %}

What stands between may depend on nothing that is not in its key; a key of none has it drawn each time.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

from jinja2 import Environment, nodes
from jinja2.ext import Extension
from jinja2.parser import Parser
from markupsafe import Markup

KEPT = 2000


class Fragments(Extension):
    """The tag `kept`. Each environment has a store of its own."""

    tags = {"kept"}

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.store: OrderedDict[Hashable, Markup] = OrderedDict()
        self.lock = threading.Lock()

    def parse(self, parser: Parser) -> nodes.Node:
        """Read one tag; it is known by the place where it stands."""
        line = next(parser.stream).lineno
        key = parser.parse_expression()
        body = parser.parse_statements(("name:endkept",), drop_needle=True)
        place = nodes.Const(f"{parser.name}:{line}")
        return nodes.CallBlock(self.call_method("given", [place, key]), [], [], body).set_lineno(line)

    def given(self, place: str, key: Hashable, caller: Callable[[], Markup]) -> Markup:
        """What was drawn for this key, or what `caller` draws now."""
        if key is None:
            return caller()
        kept = self.store.get((place, key))
        if kept is None:
            kept = caller()
            with self.lock:
                self.store[place, key] = kept
                while len(self.store) > KEPT:
                    self.store.popitem(last=False)
        return kept

    def forget(self) -> None:
        """Draw everything anew (tests, and a city loaded anew)."""
        with self.lock:
            self.store.clear()
