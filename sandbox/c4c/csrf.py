"""CSRF tokens: one is good only together with every cookie that was set with it (KBA 3048103, KBA 3339155)."""

from __future__ import annotations

import base64
import random
from dataclasses import dataclass

COOKIES = ("sap-XSRF_SBX_100", "sap-usercontext-token")


@dataclass
class Token:
    cookies: dict[str, str]
    uses: int = 0


class Csrf:
    def __init__(self) -> None:
        self._tokens: dict[str, Token] = {}
        self._random = random.Random(4711)

    def fetch(self) -> tuple[str, dict[str, str]]:
        """A new token and the cookies to set with it."""
        token = self._secret()
        cookies = {name: self._secret() for name in COOKIES}
        self._tokens[token] = Token(cookies)
        return token, cookies

    def valid(self, token: str, cookies: dict[str, str], expires_after: int | None) -> bool:
        known = self._tokens.get(token)
        if known is None or any(cookies.get(name) != value for name, value in known.cookies.items()):
            return False
        known.uses += 1
        if expires_after is not None and known.uses > expires_after:
            del self._tokens[token]
            return False
        return True

    def cookies_of(self, token: str) -> dict[str, str] | None:
        """The cookies that were set with a token, or None for one that is not known."""
        known = self._tokens.get(token)
        return None if known is None else dict(known.cookies)

    def forget_all(self) -> None:
        self._tokens.clear()

    def _secret(self) -> str:
        return base64.b64encode(self._random.randbytes(16)).decode()
