"""Which hosts a message may go to whose address a reader gave: never one inside the house (SSRF).

`BOARD_CARRY_HOSTS` names the hosts that an administrator allows besides, private ones too: `bark.intra,10.0.0.8`.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Collection

# The push services of the browsers; a subscription that names another host is not one.
PUSH_SERVICES = (
    "fcm.googleapis.com",
    "push.services.mozilla.com",
    "notify.windows.com",
    "push.apple.com",
)


def is_push_service(host: str) -> bool:
    """Whether a browser's push service lives at `host`."""
    host = host.rstrip(".").lower()
    return any(host == each or host.endswith("." + each) for each in PUSH_SERVICES)


def is_allowed(host: str, allowed: Collection[str]) -> bool:
    """Whether an administrator allowed `host` by name."""
    return host.rstrip(".").lower() in allowed


def is_public(host: str) -> bool:
    """Whether every address of `host` lies on the open internet; False where it has none."""
    host = host.strip("[]")
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return False
    addresses = [ipaddress.ip_address(str(each[4][0]).partition("%")[0]) for each in found]
    return bool(addresses) and all(_outside(each) for each in addresses)


NAT64 = ipaddress.ip_network("64:ff9b::/32")  # addresses of version 4 in the coat of version 6


def _outside(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address):
        if address in NAT64:
            return False
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if inner is not None:
            return inner.is_global and not inner.is_multicast
    return address.is_global and not address.is_multicast
