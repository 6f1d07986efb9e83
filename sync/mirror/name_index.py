"""The index by which people and companies are found: the words of their names, their addresses and domains.

It is written in the commit that writes the mirror. `forget` removes an object from it, for whoever erases a person.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, Select, Table, and_, delete, func, or_, select, union
from sqlmodel import Session, col

from sync.domain import names
from sync.domain.views import Properties
from sync.mirror import objects
from sync.state import streams, tables
from sync.state.documents import NAME_INDEX
from sync.state.pending import among, portions
from sync.state.rows import insert_rows
from sync.state.store import Store

_TABLE: Table = tables.Base.metadata.tables["name_word"]
_WORDS = "1"
"""Changes whenever `names.index_words` gives other words, so that existing mirrors are indexed anew."""

_DEFERRED = "deferred"
"""Kept instead while a first load runs, whose objects are all indexed at its end."""

_PORTION = 20_000
"""Objects in one commit. Their words are sorted, so that each page of the index is written once for all of them."""

_AT_ONCE = 2_000
"""Objects, or words, in memory in full."""


def defer(session: Session) -> None:
    """Has a first load leave the index alone until `follow`, for it comes by id: indexed page by page, each of them
    would write pages all over the index, ten times what it holds.
    """
    NAME_INDEX.write(session, _DEFERRED)


def save(session: Session, kind: str, before: Mapping[str, Properties | None], after: Mapping[str, Properties]) -> None:
    """Replaces the words of the objects whose words differ, unless all are indexed later.

    `before`: the former properties, None for a new object.
    """
    if NAME_INDEX.read(session) != _DEFERRED:
        _replace(session, kind, before, after)


def _replace(
    session: Session, kind: str, before: Mapping[str, Properties | None], after: Mapping[str, Properties]
) -> None:
    other = {i: properties for i, properties in after.items() if properties != before.get(i)}
    words = {i: names.index_words(kind, properties) for i, properties in other.items()}
    known = {i: names.index_words(kind, old) if (old := before.get(i)) else frozenset() for i in other}
    changed = [i for i, found in words.items() if found != known[i]]
    drop_names(session, kind, [i for i in changed if known[i]])
    _insert(session, kind, sorted((word, i) for i in changed for word in words[i]))


def drop_names(session: Session, kind: str, ids: Iterable[str]) -> None:
    """Removes these objects from the index."""
    for part in portions(ids):
        session.execute(delete(_TABLE).where(among(_TABLE.c.id, part), _TABLE.c.kind == kind))


def keep_current(store: Store) -> None:
    """Indexes the whole mirror after a first load, or if it was filled by a version that kept other words, or none."""
    with store.reading() as session:
        kept = NAME_INDEX.read(session)
        if kept == _WORDS or (kept == _DEFERRED and _is_loading(session)):
            return
        everybody = [(kind, session.execute(select(table.c.id)).scalars().all()) for kind, table in _KINDS.items()]
    for kind, ids in everybody:
        for part in portions(ids, _PORTION):
            with store.session() as session:
                _renew(session, kind, part)
    with store.session() as session:
        NAME_INDEX.write(session, _WORDS)


def _is_loading(session: Session) -> bool:
    return any(streams.watermark(session, kind).complete_until is None for kind in _KINDS)


_KINDS: Mapping[str, Table] = {"contacts": objects.CONTACTS, "companies": objects.COMPANIES}


def _renew(session: Session, kind: str, ids: Collection[str]) -> None:
    drop_names(session, kind, ids)
    words: list[tuple[str, str]] = []
    for part in portions(ids, _AT_ONCE):
        found = objects.rows(session, _KINDS[kind], part)
        words += ((word, i) for i, row in found.items() for word in names.index_words(kind, row.properties))
    words.sort()
    for start in range(0, len(words), _AT_ONCE):
        _insert(session, kind, words[start : start + _AT_ONCE])


def _insert(session: Session, kind: str, words: Sequence[tuple[str, str]]) -> None:
    insert_rows(session, _TABLE, ("word", "kind", "id"), [(word, kind, i) for word, i in words])


def matches(session: Session, text: str) -> CompoundSelect[Any] | None:
    """The ids of contacts that all words of the text lead to: by their own words or by those of one of their companies.

    None if the text has no words.
    """
    words = sorted(names.search_words(text), key=lambda word: _frequency(session, word))
    if not words:
        return None
    # The rarest word gives the candidates, and the others are looked up for each of them.
    rarest, *others = words
    return union(*(_having(way, others) for way in _ways(rarest)))


_FREQUENT = 1000


def _frequency(session: Session, word: frozenset[str]) -> int:
    """How often the index has words that begin so; what is frequent is not counted to the end."""
    some = select(_TABLE.c.id).where(_begins(_TABLE.c.word, word)).limit(_FREQUENT).subquery()
    number: int = session.execute(select(func.count()).select_from(some)).scalar_one()
    return number


def _ways(word: frozenset[str]) -> tuple[Select[Any], Select[Any]]:
    """Contacts with the word, and contacts of companies with the word."""
    own, at, pair = _TABLE.alias(), _TABLE.alias(), tables.Association
    directly = select(own.c.id).where(own.c.kind == "contacts", _begins(own.c.word, word))
    through = select(col(pair.contact_id)).join(at, and_(at.c.id == col(pair.company_id), at.c.kind == "companies"))
    return directly, through.where(_begins(at.c.word, word))


def _having(way: Select[Any], others: Iterable[frozenset[str]]) -> Select[Any]:
    [contact] = way.selected_columns
    for word in others:
        directly, through = _ways(word)
        way = way.where(
            or_(
                directly.where(directly.selected_columns[0] == contact).exists(),
                through.where(through.selected_columns[0] == contact).exists(),
            )
        )
    return way


def _begins(column: ColumnElement[str], word: frozenset[str]) -> ColumnElement[bool]:
    """Texts that begin with one of the spellings. Binary order is that of code points, so a range serves the index."""
    return or_(*(and_(column >= spelling, column < f"{spelling}\U0010ffff") for spelling in sorted(word)))
