"""Removes personal data from a text of SAP Sales Cloud, and keeps what shows the cause.

Kept: ordinary words, names of properties and entities, and codes, also in quotes. Removed: every value of the request,
whole and word by word; e-mail addresses, phone numbers, user names; any other quotation, and any other capitalised word
that is not known to be harmless, since a text may name people who are not in the request.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

from sync.c4c.odata import Operation, Query
from sync.c4c.refusals.vocabulary import CODE, is_name, names_nobody, ordinary
from sync.domain.text import EMAIL, PHONE

_GONE = "…"


@dataclass(frozen=True, slots=True)
class Sent:
    """The content of a request: `values` may be personal data, `names` (of properties) and `codes` are not."""

    values: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    codes: frozenset[str] = frozenset()

    def code(self, text: str) -> str:
        """A code from C4C, unchanged if it has the form of a code."""
        ours = text.casefold() in {value.casefold() for value in self.values}
        return text if re.fullmatch(r"[\w/.:$-]{1,60}", text) and not ours else redacted(text[:60], self)


NOTHING = Sent()
"""A request without values."""


def sent_in(parts: Iterable[Query | str | Operation]) -> Sent:
    """The content of the operations, queries and next links of one request."""
    pairs = [pair for part in parts for pair in _pairs(part)]
    codes = {value for name, value in pairs if _is_code(name, value)}
    values = {value for _, value in pairs if value not in codes and value.strip()}
    return Sent(frozenset(values), frozenset(name for name, _ in pairs), frozenset(codes))


def redacted(text: str, sent: Sent) -> str:
    """The text without possible personal data."""
    # Whole values go first, since removing an address or number inside one would leave a rest; single words go last.
    whole, words = _values(sent), _words(sent)
    for pattern in (*_any_of(whole), EMAIL, PHONE, *_any_of(words)):
        text = pattern.sub(_GONE, text)
    text = _USER.sub(rf"\1 {_GONE}", text)
    text = _QUOTED.sub(lambda quoted: _quoted(quoted[0], sent), text)
    text = _WORD.sub(
        lambda word: word[0] if word[0] in sent.names | sent.codes or names_nobody(word[0]) else _GONE, text
    )
    return re.sub(rf"{_GONE}(?:[\s,&-]*{_GONE})+", _GONE, text)


_USER = re.compile(
    r"\b((?i:users?|benutzer|anwender|utilisateur|usuario|usuário|utente|gebruiker|użytkownik\w*))"
    r"\s+(?:[A-Z0-9_]*[A-Z_][A-Z0-9_]+|['\"«„“][^'\"»“”]+['\"»“”])(?!\w)"
)
"""The word for a user followed by the user's name, which is in capitals."""

_QUOTED = re.compile(r"(?<!\w)'[^']*'(?!\w)|\"[^\"]*\"|«[^»]*»|„[^“”]*[“”]|“[^”]*”|‘[^’]*’|「[^」]*」")
"""Quotations. An apostrophe within a word does not begin one."""


_WORD = re.compile(r"/\w[\w/:.-]*\w|[^\W\d]\w*(?:[/:]\d+)?")
"""A word, or a code with its slashes."""


def _quoted(quotation: str, sent: Sent) -> str:
    inner = quotation[1:-1].strip()
    if inner in sent.names | sent.codes or is_name(inner):
        return quotation
    words = inner.split()
    is_label = len(words) > 1 and all(word.casefold() in ordinary() or CODE.fullmatch(word) for word in words)
    return quotation if is_label or CODE.fullmatch(inner) else _GONE


def _values(sent: Sent) -> set[str]:
    return {value.strip(" *") for value in sent.values} - {""}


def _words(sent: Sent) -> set[str]:
    """The words of the values, since texts repeat parts of names; without ordinary words and short numbers, which are
    harmless.
    """
    words = {word for value in _values(sent) for word in re.findall(r"\w+", value)}
    return {w for w in words if len(w) > (3 if w.isdigit() else 1) and w.casefold() not in ordinary()}


def _any_of(texts: set[str]) -> Iterator[re.Pattern[str]]:
    """A pattern for these texts in any case, the longest first; None without texts."""
    if texts:
        longest_first = sorted(texts, key=lambda text: (-len(text), text))
        yield re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)", re.IGNORECASE)


def _pairs(part: Query | str | Operation) -> Iterator[tuple[str, str]]:
    """(property, value) of all values in the part."""
    if isinstance(part, Operation):
        return _in_body(part.body)
    text = part.filter if isinstance(part, Query) else unquote_plus(part)
    return ((name, value.replace("''", "'")) for name, value in _TERM.findall(text))


_TERM = re.compile(r"(\w+) (?:eq|ne|ge|gt|le|lt) (?:[a-z]+)?'((?:[^']|'')*)'")


def _in_body(body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The values of a body, including those of deep inserted children."""
    for name, value in body.items():
        if isinstance(value, Sequence) and not isinstance(value, str):
            for child in value:
                yield from _in_body(child)
        elif value is not None and not isinstance(value, bool):
            yield name, str(value)


def _is_code(name: str, value: str) -> bool:
    """Whether the value is from a code list or is one of C4C's own ids, which are not personal data."""
    listed = name.endswith(("Code", "ObjectID", "UUID")) or name in ("Channel", "Consent")
    return listed and re.fullmatch(r"[A-Za-z0-9_.-]{1,40}", value) is not None
