"""Hosts of addresses, without what may be secret in an address."""

import ipaddress
from urllib.parse import urlsplit


def host(url: str) -> str:
    """Host, and port if there is one; a scheme may be missing, as people write proxies."""
    parts = urlsplit(url if "://" in url else f"//{url}")
    name = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    try:
        return f"{name}:{parts.port}" if parts.port else name
    except ValueError:
        return name


def loopback(name: str) -> bool:
    """Whether this host is this machine."""
    try:
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
