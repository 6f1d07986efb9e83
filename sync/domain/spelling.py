"""What a misspelled word may have meant."""

import difflib
from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str:
    """`; did you mean …?` if something close is known, else what is allowed, else nothing."""
    options = list(known)
    close = difflib.get_close_matches(word, options, n=1)
    if close:
        return f"; did you mean `{close[0]}`?"
    return f"; allowed: {', '.join(options)}" if options else ""
