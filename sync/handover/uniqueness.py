"""Checks in SAP Sales Cloud that each record that we just created is the only one with its key.

Two workers with separate state files show up only there. If our own technical user created a second record that this
state cannot explain, another program writes under our keys, and writing stops. Any other twin (sales copied an account
with its key field) concerns only its own contact.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta

from sync.context import Context
from sync.domain.entities import KEYED
from sync.domain.schema import Schema
from sync.errors import RemoteError
from sync.log import Event, emit
from sync.planner.target import By, Scan, Scanned, all_found
from sync.state import second_writer
from sync.state.documents import CREATOR, Twin
from sync.state.second_writer import Made


def look(context: Context, schema: Schema, made: Sequence[Made]) -> None:
    """Looks for other records with the keys of new ones.

    Remembers a second writer, and the records to check again. Raises RemoteError if C4C cannot be read; the next push
    then tries again.
    """
    ours = [one for one in made if one.entity in KEYED]
    if not ours:
        return
    try:
        records = _read(context, schema, ours)
    except RemoteError:
        with context.store.session() as session:
            second_writer.note_second_look(session, ours, context.now())
        raise
    twins = _report(context, ours, records)
    if context.config.worker.c4c.settle_seconds:
        keys = {(twin.entity, twin.key) for twin in twins}
        with context.store.session() as session:
            unique = [one for one in ours if (one.entity, one.key) not in keys]
            second_writer.note_second_look(session, unique, context.now())


def look_again(context: Context, schema: Callable[[], Schema]) -> None:
    """Looks a second time, when a create that was still on its way the first time must have arrived."""
    until = context.now() - timedelta(seconds=context.config.worker.c4c.settle_seconds)
    with context.store.reading() as session:
        made = second_writer.due_again(session, until)
    if made:
        _report(context, made, _read(context, schema(), made))
        with context.store.session() as session:
            second_writer.looked_again(session, until)


# ---- reading


def _read(context: Context, schema: Schema, made: Sequence[Made]) -> list[Scanned]:
    """The records that carry the keys of those that we made."""
    sections = context.config.rules.mapping.by_entity()
    scans = [Scan(e, By.KEY, tuple(sorted({one.key for one in made if one.entity == e}))) for e in sections]
    return [one for found in all_found(context.c4c.scan(scans, context.config.rules, schema)) for one in found]


# ---- judging


def twins_of(made: Iterable[Made], records: Iterable[Scanned]) -> list[Twin]:
    """The other records with the keys of ours, without those that sales retired. Pure."""
    ours = {(one.entity, one.key): one.object_id for one in made}
    others = [(ours[other.entity, other.key], other) for other in records if (other.entity, other.key) in ours]
    return [
        Twin(other.entity, other.key, mine, other.object_id)
        for mine, other in others
        if other.object_id != mine and not other.obsolete
    ]


def _report(context: Context, made: Sequence[Made], records: Sequence[Scanned]) -> list[Twin]:
    """Remembers a second writer if there is one, and logs every other twin; returns all twins."""
    twins = twins_of(made, records)
    if not twins:
        return []
    creators = {one.object_id: one.creator for one in records}
    with context.store.session() as session:
        ourselves = CREATOR.read(session)
        by_us = [twin for twin in twins if ourselves and creators[twin.theirs] == ourselves]
        strangers = second_writer.unexplained(session, by_us, context.now())
        found = second_writer.stop_writes(session, strangers, context.now()) if strangers else None
    for twin in twins:
        if twin not in strangers:
            emit(Event.DUPLICATE_FOUND, entity=twin.entity, key=twin.key, object_id=twin.theirs)
    if found:
        emit(Event.SECOND_WRITER, plan=found.digest, found=len(found.twins), cause=found.text)
    return twins
