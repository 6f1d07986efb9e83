"""JSON as either system sends it. Whatever is wrong with a document is one kind of error, and its texts are clean."""

import json
import re
from typing import Any

from sync.domain.text import clean, is_clean

LONGEST_NUMBER = 40
"""Digits; a longer number is kept as text, since Python refuses to read one of thousands of digits."""


def parsed(raw: bytes | str) -> Any:
    """The document, every text in it cleaned. Raises ValueError: no JSON, not UTF-8, or nested too deeply."""
    text = (raw if isinstance(raw, str) else raw.decode("utf-8", "surrogatepass")).removeprefix("\ufeff")
    try:
        if _is_deep(text):
            raise RecursionError
        document = json.loads(text, parse_int=_integer, parse_constant=str)
        # Nearly every document is clean as a whole, and that is seen at once.
        return document if _is_clean(text) else _cleaned(document)
    except RecursionError:
        raise ValueError("the document is nested too deeply") from None


_ESCAPED = re.compile(r"\\[ubf]|\x7f")
"""What JSON hides behind plain characters: code points by number, and control characters."""

_DEEP = re.compile(r"[\[{](?:[^\[\]{}]*[\[{]){100}")
"""A hundred brackets that open before one closes: no document of either system, and more than a reader can follow."""


_TEXTS = re.compile(r'"(?:[^"\\]|\\.)*"')


def _is_deep(text: str) -> bool:
    """Whether the document itself is nested that deeply; brackets within its texts are anybody's."""
    return bool(_DEEP.search(text)) and bool(_DEEP.search(_TEXTS.sub("", text)))


def _is_clean(text: str) -> bool:
    """Whether no text in this JSON needs cleaning; where that is in doubt, False."""
    return not _ESCAPED.search(text) and (text.isascii() or is_clean(text))


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= LONGEST_NUMBER else digits


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [_cleaned(item) for item in value]
    if isinstance(value, dict):
        return {clean(name): _cleaned(item) for name, item in value.items()}
    return value
