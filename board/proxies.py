"""Behind proxies: whom to believe about address, host and scheme, for pages and sockets alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment


def own_origins(environ: WSGIEnvironment, public_url: str) -> set[str]:
    """The origins from which this house may be spoken to: the address it was reached under, and its public one."""
    own = {f"{environ.get('wsgi.url_scheme', 'http')}://{environ.get('HTTP_HOST', '')}"}
    if public_url:
        own.add(public_url)
    return own


def init_app(app: Flask) -> None:
    """Stand outermost: a socket learns of its reader what a page learns, and from the same proxies."""
    count = app.config["SETTINGS"].proxies
    if count:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count, x_host=count)  # type: ignore[method-assign]
