"""Places that lower parts leave open and higher parts fill, so that no import ever points upwards.

- `veto(verb)`: a higher part may deny a verb, or `"*"` every rule; it can never allow one.
- `provides(name)`: a higher part answers a question; without one the given default stands.
- `fill(place)`: a higher part draws HTML for one reader in a place that a page leaves open.
- `stream(prefix)`: who may follow a live stream of that prefix.
- `standing_promise`: work that is promised whenever a worker starts, and promises itself again.
- `health_check(name)`: one more line of `/readyz`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any, TypeVar

from markupsafe import Markup

F = TypeVar("F", bound=Callable[..., Any])

_vetoes: dict[str, list[Callable[..., bool]]] = defaultdict(list)
_answers: dict[str, Callable[..., Any]] = {}
_slots: dict[str, list[Callable[..., Markup | str]]] = defaultdict(list)
_streams: dict[str, Callable[[Any, str], bool]] = {}
_standing: list[Callable[[], None]] = []
_checks: dict[str, Callable[[], str]] = {}


def veto(*verbs: str) -> Callable[[F], F]:
    """Register a veto on `verbs`: the function takes (person, thing) and returns True to deny."""

    def put(function: F) -> F:
        for verb in verbs:
            _vetoes[verb].append(function)
        return function

    return put


def vetoed(verb: str, person: Any, thing: Any) -> bool:
    """Whether any part denies `verb` on `thing` to `person`."""
    return any(function(person, thing) for function in _vetoes.get(verb, ()))


def provides(name: str) -> Callable[[F], F]:
    """Register the one function that answers `name`."""

    def put(function: F) -> F:
        if name in _answers and _answers[name].__qualname__ != function.__qualname__:
            raise ValueError(f"two parts answer {name}")
        _answers[name] = function
        return function

    return put


def provided(name: str, *args: Any, default: Any = None, **kwargs: Any) -> Any:
    """The answer to `name`, or `default` where no part gives one."""
    function = _answers.get(name)
    return default if function is None else function(*args, **kwargs)


def fill(place: str) -> Callable[[F], F]:
    """Register a function that draws HTML into `place`; it is called with what the page passes."""

    def put(function: F) -> F:
        _slots[place].append(function)
        return function

    return put


def slot_html(place: str, *args: Any, **kwargs: Any) -> Markup:
    """Everything the parts draw into `place`, in order of registration."""
    return Markup("").join(Markup(function(*args, **kwargs)) for function in _slots.get(place, ()))


def stream(prefix: str) -> Callable[[F], F]:
    """Register who may follow streams `prefix:…`: the function takes (person, ref) and returns a bool."""

    def put(function: F) -> F:
        _streams[prefix] = function
        return function

    return put


def may_follow(person: Any, name: str) -> bool:
    """May `person` hear the stream `name`? Unknown streams are refused like forbidden ones."""
    prefix, colon, ref = name.partition(":")
    check = _streams.get(prefix)
    return bool(colon and ref and check is not None and check(person, ref))


def standing_promise(function: F) -> F:
    """Register a function that promises a job which comes again and again; it is called inside a transaction."""
    if function not in _standing:
        _standing.append(function)
    return function


def promise_standing() -> None:
    """Let every part promise its standing work, inside the open transaction."""
    for function in _standing:
        function()


def health_check(name: str) -> Callable[[F], F]:
    """Register one check of `/readyz`: the function returns `ok`, or in a few words what is wrong."""

    def put(function: F) -> F:
        _checks[name] = function
        return function

    return put


def health() -> dict[str, str]:
    """What every part says of itself, by name."""
    return {name: function() for name, function in _checks.items()}
