"""Suggestions for misspelt words, and how messages show words, values and places of a rule file."""

import difflib
from collections.abc import Iterable

_LONGEST = 80
"""The most characters of a value or name that a message shows."""


def shown(value: object) -> str:
    """A value of a rule file as messages show it. A possible e-mail address is replaced by a note."""
    if isinstance(value, bool):
        return str(value).lower()
    try:
        text = str(value)
    except ValueError:
        # Python refuses to convert a number of thousands of digits to text.
        return "(a number too long to show)"
    if "@" in text:
        return "(an address, not shown)"
    return repr(shortened(value)) if isinstance(value, str) else shortened(repr(value))


def shortened(text: str) -> str:
    """The text, or its beginning with `…`."""
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def entry(key: str, number: int, title: str) -> str:
    """The place of an entry of a list, counted from 0, with its name: `scores.0 (mql)`."""
    named = title.strip() and "@" not in title
    return f"{key}.{number} ({shortened(title.strip())})" if named else f"{key}.{number}"


def closest(word: str, known: Iterable[str]) -> str | None:
    """The option that is spelled most like the word, if any is similar."""
    return next(iter(difflib.get_close_matches(word, list(known), n=1)), None)


def nearest(word: str, known: Iterable[str]) -> str:
    """`; did you mean …?` if something close is known, else what is allowed, else nothing."""
    options = list(known)
    close = closest(word, options)
    if close is not None:
        return f"; did you mean `{close}`?"
    return f"; allowed: {', '.join(options)}" if options else ""
