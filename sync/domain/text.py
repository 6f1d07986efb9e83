"""Text from outside, made fit to be stored, compared and printed. Pure; every text of either system passes here."""

import re

_HALF_PAIR = re.compile("[\ud800-\udfff]")
"""Half a surrogate pair, as scripts leave it that cut an emoji in two; no encoding can write it."""


def clean(text: str) -> str:
    """The text with U+FFFD for each half of a surrogate pair."""
    return _HALF_PAIR.sub("\ufffd", text)
