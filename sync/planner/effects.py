"""The effect of a write on what we know: its link, and what C4C holds from then on.

Pure. The journals of the real run and of the dry run, and `simulate`, all use these functions, so a forecast cannot
differ from the write that follows it.
"""

from collections.abc import Mapping, MutableMapping
from typing import Any

from sync.domain.entities import Entity
from sync.domain.link import Announced, Wrote, after
from sync.domain.schema import Schema
from sync.domain.views import Link
from sync.planner.observed import EVERYTHING, observe
from sync.planner.records.relations import MAIN
from sync.planner.snapshot import Ask, Lookup, Record, Snapshot
from sync.planner.target import Written
from sync.planner.writes import Write

_Pair = tuple[str, str]
"""Entity and key of a link."""

_KnownLinks = MutableMapping[_Pair, Link]


def announce(write: Write, links: _KnownLinks, handover: Mapping[str, Any] | None = None) -> Link:
    """Adds the intent to create a record to `links`, so that its values are known to be ours if the answer is lost.

    `handover`: the evidence of a lead's handover.
    """
    pair = (write.entity, write.key)
    links[pair] = after(*pair, links.get(pair), Announced(write.values(), handover or {}))
    return links[pair]


def learn(write: Write, result: Written, links: _KnownLinks, snapshot: Snapshot, schema: Schema) -> Link | None:
    """Updates `links` and `snapshot` after a successful write; returns the new link.

    None if there is none: a deletion drops the record's link, and some records have no link of ours.
    """
    pair = (write.entity, write.key)
    if write.action == "delete":
        _see(write, result, snapshot)
        forget_write(write, links)
        return None
    link = after(*pair, links.get(pair), wrote(write, result.record, schema)) if write.linked else None
    _see(write, result, snapshot)
    if link:
        links[pair] = link
    return link


def forget_write(write: Write, links: _KnownLinks) -> None:
    """Drops the link of a record that does not exist, and those of its parts."""
    for one in (write, *write.children):
        links.pop((one.entity, one.key), None)


def wrote(write: Write, record: Record | None, schema: Schema) -> Wrote:
    """The event of a successful write. `record`: the created record, None after a change."""
    sent = write.values()
    object_id = write.object_id or (record.object_id if record else "")
    observed = observe(record, sent, schema, EVERYTHING) if record else write.observed
    return Wrote(object_id, sent, observed, write.ours, adopts(write), answered=record is not None)


def adopts(write: Write) -> bool:
    """Whether the write gives our key to a record that somebody else made."""
    return write.action == "update" and any(change.rule == "key" for change in write.changes)


def _see(write: Write, result: Written, snapshot: Snapshot) -> None:
    """Updates the snapshot with what the answer shows of C4C."""
    if result.record is not None:
        snapshot.created(result.record, write.answers)
        if write.entity == Entity.ACCOUNT and (number := result.record.text("AccountID")):
            # Nobody can have been a contact person of an account before it existed.
            snapshot.learn(Lookup(Ask.CONTACTS_OF, Entity.CONTACT, number), ())
    elif write.object_id is not None and write.action == "delete":
        snapshot.removed(write.entity, write.object_id)
    elif write.object_id is not None:
        snapshot.changed(snapshot.records[write.entity, write.object_id], write.values())
    if write.entity == Entity.RELATION and write.values().get(MAIN):
        # C4C takes the mark from the former main account by itself.
        snapshot.forget(Entity.RELATION, write.object_id, write.answers)
