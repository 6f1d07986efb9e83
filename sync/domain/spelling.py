"""What a misspelled word may have meant, and how a message shows it."""

import difflib
from collections.abc import Iterable


def shown(value: object) -> str:
    """A value of a rule file as messages may show it: what could be somebody's address only says so."""
    return "(an address, not shown)" if "@" in str(value) else repr(value)


def nearest(word: str, known: Iterable[str]) -> str:
    """`; did you mean …?` if something close is known, else what is allowed, else nothing."""
    options = list(known)
    close = difflib.get_close_matches(word, options, n=1)
    if close:
        return f"; did you mean `{close[0]}`?"
    return f"; allowed: {', '.join(options)}" if options else ""
