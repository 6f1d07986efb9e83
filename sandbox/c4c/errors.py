"""How C4C refuses: one exception that carries status, code and text."""

from __future__ import annotations

from collections.abc import Mapping


class Refused(Exception):
    """The request has no effect and is answered with this status; the text is what a person would read."""

    def __init__(self, status: int, text: str, code: str = "SY/530", headers: Mapping[str, str] | None = None) -> None:
        super().__init__(text)
        self.status, self.text, self.code, self.headers = status, text, code, dict(headers or {})


def bad_request(text: str, code: str = "SY/530") -> Refused:
    return Refused(400, text, code)
