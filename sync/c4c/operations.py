"""Turns planned writes into operations of a batch: which belong together, and in which order."""

from collections.abc import Container, Sequence

from sync.c4c.entities import collection
from sync.c4c.odata import Operation, key_path
from sync.domain.entities import TYPES
from sync.planner.plan import Write


def grouped(writes: Sequence[Write]) -> list[list[Write]]:
    """Writes that touch a common record or account, directly or through others, in one group.

    Groups are sent in parallel, and each group in its order, so that two requests never write to
    one account at a time.
    """
    leader: dict[str, str] = {}

    def find(name: str) -> str:
        while leader.setdefault(name, name) != name:
            leader[name] = leader[leader[name]]
            name = leader[name]
        return name

    for write in writes:
        own = find(_own_lock(write))
        for lock in write.locks:
            leader[find(lock)] = own
            own = find(own)
    groups: dict[str, list[Write]] = {}
    for write in sorted(writes, key=_order):
        groups.setdefault(find(_own_lock(write)), []).append(write)
    return [groups[name] for name in sorted(groups)]


def set_apart(groups: Sequence[Sequence[Write]], alone: Container[tuple[str, str]]) -> list[list[Sequence[Write]]]:
    """The groups in portions: first those without a write that goes `alone`, then each write of the others by itself.

    A record that breaks every connection must not stop others."""
    is_lost = [any((write.entity, write.key) in alone for write in group) for group in groups]
    together = [group for group, lost in zip(groups, is_lost, strict=True) if not lost]
    single: list[list[Sequence[Write]]] = [
        [[write]] for group, lost in zip(groups, is_lost, strict=True) if lost for write in group
    ]
    return [together, *single] if together else single


def _own_lock(write: Write) -> str:
    return f"{write.entity} {write.object_id or write.key}"


def _order(write: Write) -> tuple[bool, int, str]:
    """Deletions go last, so that a contact is never without its main account in between."""
    return write.action == "delete", TYPES[write.entity].order, write.key


def operation(write: Write) -> Operation:
    """The request for one write. A change or deletion names the version that was read."""
    if write.action == "create":
        return Operation("POST", collection(write.entity), write.body())
    assert write.object_id is not None
    method = "DELETE" if write.action == "delete" else "PATCH"
    return Operation(method, key_path(collection(write.entity), write.object_id), write.body(), write.version)
