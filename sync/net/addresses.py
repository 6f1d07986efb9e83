"""Takes the host out of an address, without parts that may be secret."""

import ipaddress
from urllib.parse import urlsplit


def host(url: str) -> str:
    """Host, and port if there is one. The scheme may be missing, since people write proxies that way."""
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
