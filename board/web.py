"""What every page needs from the web: origin checks, headers, static files, cached pages, safe redirects."""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import (
    Flask,
    Response,
    current_app,
    g,
    make_response,
    redirect,
    request,
    send_from_directory,
    url_for,
)

from board.clock import now
from board.db import commits, db
from board.errors import NotAllowed
from board.i18n import _l
from board.logs import note_answer, request_id
from board.prefs import current
from board.proxies import own_origins, subscriber
from board.shelf import Shelf

CSP = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
EVERYWHERE = (
    ("Content-Security-Policy", CSP),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),  # with no-referrer a form would say `Origin: null`, which is refused
    ("Permissions-Policy", "camera=(), microphone=(), geolocation=(), interest-cohort=()"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
)
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
SIGNED_IN_COOKIES = ("session", "sign_in")
# Parts of an address that open something for whoever has it: the names they go by in routes, and what they look like.
KEY_PARTS = ("token", "signature")
_KEY = re.compile(r"[A-Za-z0-9_-]{20,}")


def safe_next(target: str | None, default: str = "/") -> str:
    """`target` when it is a path on this site, else `default`: a redirect never leaves the house."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")) or "\\" in target:
        return default
    if any(ord(character) < 32 for character in target):
        return default
    parts = urlsplit(target)
    return default if parts.scheme or parts.netloc else target


def client_address() -> str:
    """The reader's address as limits count it; behind BOARD_PROXIES proxies the one they vouch for."""
    return subscriber(request.remote_addr or "0.0.0.0")  # nosec B104


# --- static files under one content hash ---------------------------------------------------------


def content_hash(folder: Path) -> str:
    """A hash over all static files; it stands in their address, so they may be kept for ever."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest.update(str(path.relative_to(folder)).encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def asset(name: str) -> str:
    """The address of the static file `name`."""
    return f"/static/{current_app.config['ASSET_HASH']}/{name}"


def _static(version: str, name: str) -> Response:
    response = send_from_directory(current_app.static_folder or "static", name)
    if version == current_app.config["ASSET_HASH"]:
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    else:
        response.headers["Cache-Control"] = "no-cache"
    return response


# --- pages that are equal for many readers -------------------------------------------------------


class Kept:
    """A drawn page, and what must still be so for it to be given again."""

    __slots__ = ("body", "commits", "etag", "fresh_until", "version")

    def __init__(self, version: Any, body: bytes, fresh_until: float, commits: int | None) -> None:
        self.version, self.body, self.fresh_until, self.commits = version, body, fresh_until, commits
        self.etag = hashlib.sha256(body).hexdigest()[:20]


_pages: OrderedDict[Any, Kept] = OrderedDict()
_pages_lock = threading.Lock()
PAGES_KEPT = 512


def anonymous() -> bool:
    """Whether this request carries no sign-in: its page may be shared."""
    return not any(name in request.cookies for name in SIGNED_IN_COOKIES)


def cached_page(
    key: Any,
    version: Any,
    build: Callable[[], tuple[str, datetime | None]],
    *,
    seconds: float = 60,
    counted: bool = False,
) -> Response:
    """An anonymous page from memory while `version` stands, else built; signed-in readers get it built.

    `version` may be a function: then it is asked only after somebody committed something, and a page that nothing
    can have changed costs no query; what it raises is the answer. It is always asked before `build`, which gives
    (html, fresh_until): the moment its next time word changes, None when none will. The reader's preferences are
    part of the key. Answers 304 to a reader who has it. `counted`: the view wants to hear of every reading, so that the
    page is not handed out at the door.
    """
    if not anonymous():
        if callable(version):
            version()
        html, _until = build()
        response = make_response(html)
        response.headers["Cache-Control"] = "private, no-store"
        return response
    # A board that does not know its address writes the one it was asked under: a forged one is kept for its forger.
    address = "" if current_app.config["SETTINGS"].public_url else request.host
    full_key = (key, current().cookie(), address)
    kept = _pages.get(full_key)
    # Whoever has read already sees the board as it was then; a number read now would vouch for more than that.
    state = None if db.session().in_transaction() else commits()
    if kept is not None and (
        kept.fresh_until <= time.time() or not current_app.config["SETTINGS"].page_cache
    ):
        kept = None
    if kept is None or state is None or kept.commits != state or not callable(version):
        found = version() if callable(version) else version
        if kept is None or kept.version != found:
            kept = _keep(full_key, found, build, seconds)
        kept.commits = state
    if not counted and state is not None:
        g.for_the_shelf = (full_key, kept)
    response = current_app.response_class(
        kept.body,
        headers=[
            ("Content-Type", "text/html; charset=utf-8"),
            ("ETag", f'"{kept.etag}"'),
            ("Cache-Control", "public, max-age=0, s-maxage=10, must-revalidate"),
            ("Vary", "Cookie"),
        ],
    )
    return response.make_conditional(request)  # type: ignore[return-value]


def _keep(
    full_key: Any, version: Any, build: Callable[[], tuple[str, datetime | None]], seconds: float
) -> Kept:
    html, until = build()
    fresh = time.time() + seconds
    if until is not None:
        fresh = min(fresh, time.time() + max(1.0, (until - now()).total_seconds()))
    kept = Kept(version, html.encode(), fresh, None)
    with _pages_lock:
        _pages[full_key] = kept
        _pages.move_to_end(full_key)
        while len(_pages) > PAGES_KEPT:
            _pages.popitem(last=False)
    return kept


def forget_pages() -> None:
    """Empty the store of pages."""
    with _pages_lock:
        _pages.clear()


# --- before and after each request ---------------------------------------------------------------


def check_origin() -> None:
    """A POST from another site is refused: by Origin, or by Referer where a browser leaves Origin out.

    With SameSite=Lax cookies this needs no token in pages that shared caches keep.
    """
    if request.method in SAFE_METHODS:
        return
    source = request.headers.get("Origin")
    if source is None or source == "null":
        source = request.headers.get("Referer") or ("null" if source == "null" else None)
    if source is None:
        # No browser of the last years leaves both out on a POST; programs do, and they carry no cookies.
        if anonymous():
            return
        source = "null"
    own = own_origins(request.environ, current_app.config["SETTINGS"].public_url)
    parts = urlsplit(source)
    if f"{parts.scheme}://{parts.netloc}" not in own:
        raise NotAllowed(
            _l("This form came from another site, so it was not accepted. Please open the page again.")
        )


def _begin() -> None:
    g.request_id = request_id(request.headers.get("X-Request-ID", ""))
    g.began = time.perf_counter()
    if request.mimetype != "multipart/form-data":
        # Werkzeug holds only the parts of a multipart form to MAX_FORM_MEMORY_SIZE; any other body is words alone.
        request.max_content_length = current_app.config["MAX_FORM_MEMORY_SIZE"]
    if not request.path.startswith("/static/"):
        check_origin()
        g.from_here = True


def _written_path() -> str:
    """This request's path as logs keep it: without what opens something for whoever reads them."""
    # Nobody's route, as when a key was copied together with the full stop behind it: told by its looks.
    path = request.path if request.url_rule is not None else _KEY.sub("…", request.path)
    for name, value in (request.view_args or {}).items():
        if name in KEY_PARTS:
            path = path.replace(value, "…")
    return "".join(letter if letter.isprintable() else "�" for letter in path)


def _finish(response: Response) -> Response:
    headers = response.headers
    given = {name.lower() for name, _value in headers}
    for name, value in EVERYWHERE:
        if name.lower() not in given:
            headers.add(name, value)
    if "X-Request-ID" not in headers:
        headers["X-Request-ID"] = g.get("request_id", "-")
    if request.is_secure:
        headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    if "Cache-Control" not in headers:
        headers["Cache-Control"] = "private, no-store"
    if "for_the_shelf" in g:
        current_app.extensions["shelf"].put(request.environ, *g.for_the_shelf, response)
    began = g.get("began", time.perf_counter())
    note_answer(request.method, _written_path(), response.status_code, g.get("request_id"), began)
    return response


def init_app(app: Flask) -> None:
    folder = Path(app.static_folder or "static")
    app.config["ASSET_HASH"] = content_hash(folder)
    app.add_url_rule("/static/<version>/<path:name>", endpoint="asset", view_func=_static)
    app.before_request(_begin)
    app.after_request(_finish)
    app.jinja_env.globals["asset"] = asset
    with app.app_context():
        app.extensions["shelf"] = app.wsgi_app = Shelf(app, app.wsgi_app, _pages, db.engine)  # type: ignore[method-assign]


def see_other(endpoint: str, **values: Any) -> Response:
    """303 to a view: what every POST answers with."""
    return redirect(url_for(endpoint, **values), 303)  # type: ignore[return-value]
