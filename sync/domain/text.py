"""Text and JSON from outside, made fit to be stored, compared and printed. Pure.

Every text of either system passes here. Whatever is wrong with a document is a ValueError.
"""

import json
import re
import unicodedata
from typing import Any

_HALF_PAIR = re.compile("[\ud800-\udfff]")
"""Half a surrogate pair, which a script leaves when it cuts an emoji in two. No encoding can write it."""

_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e007f]"
)
"""Control characters, zero-width characters, marks of direction and fillers (Unicode categories Cc and Cf).

U+FFFE and U+FFFF are not characters: XML 1.0 (2.2), and so C4C's Atom, does not allow them. """

_JOINERS = re.compile("(?<![\u0590-\u1fff\u2c00-\U0010ffff])[\u200c\u200d]+|[\u200c\u200d]+(?=\\s|$)")
"""Joiners where they have no visible effect. In Arabic, Indic scripts and emoji they have one."""

_LINES = re.compile("[\x0b\x0c\x85\u2028\u2029]")
_BLANKS = re.compile("[\xa0\u1680\u2000-\u200a\u202f\u205f\u2800\u3000]")


def clean(text: str) -> str:
    """The text without invisible characters, with plain blanks and line breaks.

    U+FFFD replaces each half of a surrogate pair; accents are one character with their letter (Unicode NFC)."""
    if text.isascii() and text.isprintable():
        return text
    visible = _UNSEEN.sub("", _HALF_PAIR.sub("\ufffd", text))
    plain = _BLANKS.sub(" ", _LINES.sub("\n", _JOINERS.sub("", visible)))
    return unicodedata.normalize("NFC", plain)


_ODD = re.compile("|".join(one.pattern for one in (_HALF_PAIR, _UNSEEN, _LINES, _BLANKS)) + "|[\u200c\u200d]")


def is_clean(text: str) -> bool:
    """Whether `clean` would change neither the text nor any part of it; False if in doubt."""
    return not _ODD.search(text) and unicodedata.is_normalized("NFC", text)


def holds_contact_data(text: str) -> bool:
    """Whether an e-mail address or a number that could be a phone number is in the text; dates are none."""
    normal = unicodedata.normalize("NFKC", text)
    return bool(EMAIL.search(normal) or PHONE.search(_DATE.sub("", normal)))


_DATE = re.compile(r"(?<!\w)(?:\d{4}-\d{2}-\d{2}|\d{1,2}\.\d{1,2}\.\d{4})(?!\w)")
EMAIL = re.compile(r"[^\s'\"«»„“”]+@[^\s'\"«»„“”]+")
PHONE = re.compile(r"(?<!\w)\+?\(?\d[\d ()/.-]{5,}\d(?!\w)")


_LONGEST_NUMBER = 40
"""Digits. A longer number is kept as text, since Python refuses to convert thousands of digits."""


def parsed(raw: bytes | str) -> Any:
    """The document with every text in it cleaned.

    Raises ValueError if it is not JSON, not UTF-8, or nested too deeply.
    """
    data = raw.encode("utf-8", "surrogatepass") if isinstance(raw, str) else raw
    text = (raw if isinstance(raw, str) else raw.decode("utf-8", "surrogatepass")).removeprefix("\ufeff")
    try:
        if _is_deep(data, text):
            raise RecursionError
        document = json.loads(text, parse_int=_integer, parse_constant=str)
        # Testing the whole text first is cheap, and nearly every document is clean.
        return document if _is_clean(text) else _cleaned(document)
    except RecursionError:
        raise ValueError("the document is nested too deeply") from None


_ESCAPED = re.compile(r"\\(?:u(?!0[0-2][0-9a-fA-F]{2})|[bf])|\x7f")
"""Escapes that may stand for characters to be cleaned: control characters, and code points by number from U+0300 on."""

_LATIN = re.compile(r"\\u(0[0-2][0-9a-fA-F]{2})")
"""Escapes of code points below U+0300. No character there combines with its neighbours, so each can be judged alone."""

_DEEP = re.compile(r"[\[{](?:[^\[\]{}]*[\[{]){100}")
"""A hundred opened brackets: more than any real document has, and close to what a recursive parser can take."""


_TEXTS = re.compile(r'"(?:[^"\\]|\\.)*"')


_NO_BRACKET = bytes(set(range(256)) - set(b"[]{}"))


def _is_deep(data: bytes, text: str) -> bool:
    """Whether the document itself is nested that deeply, ignoring brackets within its texts.

    Looking at the brackets alone is much faster, and shows that hardly any document needs the exact look.
    """
    if not _DEEP.search(data.translate(None, _NO_BRACKET).decode("ascii")):
        return False
    return bool(_DEEP.search(_TEXTS.sub("", text)))


def _is_clean(text: str) -> bool:
    """Whether no text in this JSON needs cleaning; False if in doubt."""
    if not (text.isascii() or is_clean(text)) or _ESCAPED.search(text):
        return False
    return "\\u" not in text or all(is_clean(chr(int(code, 16))) for code in set(_LATIN.findall(text)))


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= _LONGEST_NUMBER else digits


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return value if value.isascii() and value.isprintable() else clean(value)
    if isinstance(value, list):
        return [_cleaned(item) for item in value]
    if isinstance(value, dict):
        return {_cleaned(name): _cleaned(item) if item is not None else None for name, item in value.items()}
    return value
