"""Behind proxies: whom to believe about address, host and scheme, for pages and sockets alike."""

from __future__ import annotations

import ipaddress
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


def subscriber(address: str) -> str:
    """An address as it is counted: whoever has one of IPv6 has a whole /64 of them."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is None:
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)


def init_app(app: Flask) -> None:
    """Stand outermost: a socket learns of its reader what a page learns, and from the same proxies."""
    count = app.config["SETTINGS"].proxies
    if count:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count, x_host=count)  # type: ignore[method-assign]
