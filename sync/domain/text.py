"""Text from outside, made fit to be stored, compared and printed. Pure; every text of either system passes here."""

import re
import unicodedata

_HALF_PAIR = re.compile("[\ud800-\udfff]")
"""Half a surrogate pair, as scripts leave it that cut an emoji in two; no encoding can write it."""

_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e007f]"
)
"""Control characters, zero-width characters, marks of direction and fillers (Unicode categories Cc and Cf).

U+FFFE and U+FFFF are no characters: XML 1.0 2.2, and so C4C's Atom, has no place for them.
"""

_JOINERS = re.compile("(?<![\u0590-\u1fff\u2c00-\U0010ffff])[\u200c\u200d]+|[\u200c\u200d]+(?=\\s|$)")
"""Joiners where they change nothing that is seen; in Arabic, Indic scripts and emoji they do."""

_LINES = re.compile("[\x0b\x0c\x85\u2028\u2029]")
_BLANKS = re.compile("[\xa0\u1680\u2000-\u200a\u202f\u205f\u2800\u3000]")


def clean(text: str) -> str:
    """The text as it is seen: without what nobody can see, blanks and line breaks of all kinds as plain ones.

    U+FFFD stands for each half of a surrogate pair; accents are one character with their letter (Unicode NFC).
    """
    if text.isascii() and text.isprintable():
        return text
    visible = _UNSEEN.sub("", _HALF_PAIR.sub("\ufffd", text))
    plain = _BLANKS.sub(" ", _LINES.sub("\n", _JOINERS.sub("", visible)))
    return unicodedata.normalize("NFC", plain)


_ODD = re.compile("|".join(one.pattern for one in (_HALF_PAIR, _UNSEEN, _LINES, _BLANKS)) + "|[\u200c\u200d]")


def is_clean(text: str) -> bool:
    """Whether `clean` would leave the text, and each part of it, as it is; False also where that is in doubt."""
    return not _ODD.search(text) and unicodedata.is_normalized("NFC", text)


def holds_contact_data(text: str) -> bool:
    """Whether an e-mail address or a number that could be a phone number is in the text; dates are none."""
    normal = unicodedata.normalize("NFKC", text)
    return bool(EMAIL.search(normal) or PHONE.search(_DATE.sub("", normal)))


_DATE = re.compile(r"(?<!\w)(?:\d{4}-\d{2}-\d{2}|\d{1,2}\.\d{1,2}\.\d{4})(?!\w)")
EMAIL = re.compile(r"[^\s'\"«»„“”]+@[^\s'\"«»„“”]+")
PHONE = re.compile(r"(?<!\w)\+?\(?\d[\d ()/.-]{5,}\d(?!\w)")
