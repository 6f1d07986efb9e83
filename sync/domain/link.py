"""What becomes of a pair of external key and C4C record when something happens to it. Pure: one function for everybody.

The handover, the final record of a batch, `links set`, `verify --repair` and the dry run all ask `after`, so a forecast
and the write that follows it cannot differ in what they remember.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sync.domain.values import same
from sync.domain.views import Link, Origin

GONE = "gone"
"""In `observed`: the record no longer exists in C4C."""

FORMER = "former"
"""In `observed`: ObjectID of the record that held our key before a person named another; forgotten at the next look."""

INTENT = "intent"
"""In `observed` of an intent: what the handover knew when the lead was requested (consent, time of crossing)."""


UNREAD = "unread"
"""In `observed`: fields that we wrote and that were not read since. C4C rewrites values on saving (phone numbers in its
own format, e-mail addresses in small letters, double blanks), so the next reading shows what it made of ours."""

MADE = "made"
"""In `observed`: field → digest of what C4C made of the value that we sent, where it shows another one, or of what it
filled in by itself when we created the record."""


@dataclass(frozen=True, slots=True)
class Announced:
    """The record is about to be created with these values. If the answer is lost, this is all that is known of it."""

    sent: Mapping[str, Any]
    handover: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wrote:
    """A write took effect. `observed`: what the record showed when it was read last; `ours`: we created it.

    `answered`: it came with the answer to the write, so `observed` is what C4C made of it; the answer to a change is
    empty. `adopted`: the record had no key of ours until now, so it is not the one that an intent announced.
    """

    object_id: str
    sent: Mapping[str, Any]
    observed: Mapping[str, Any] = field(default_factory=dict)
    ours: bool = False
    adopted: bool = False
    answered: bool = False


@dataclass(frozen=True, slots=True)
class Observed:
    """The record was read. `merge_base`: values that are the same on both sides; `ours`: we created it.

    `shared`: it carries the key of another HubSpot id, which stands for the same record.
    """

    object_id: str
    merge_base: Mapping[str, Any] = field(default_factory=dict)
    observed: Mapping[str, Any] = field(default_factory=dict)
    ours: bool = False
    shared: bool = False


@dataclass(frozen=True, slots=True)
class Named:
    """A person said that this record is meant. `shared`: although it carries the key of another HubSpot id."""

    object_id: str
    shared: bool = False


LinkEvent = Announced | Wrote | Observed | Named


def after(entity: str, key: str, known: Link | None, event: LinkEvent) -> Link:
    """The pair after the event. What was known of another record under this key is dropped with it."""
    match event:
        case Announced(sent, handover):
            intent = known if known and not known.object_id else None
            values = {**(intent.sent if intent else {}), **sent}
            observed = {INTENT: dict(handover)} if handover else {}
            return Link(entity, key, "", values, origin="created", observed=observed)
        case Wrote(object_id, sent, observed, ours, adopted, answered):
            announced = known is not None and not known.object_id
            before = None if adopted and announced else known
            base = _base(entity, key, before, object_id, ours)
            return _looked_at(base, sent, observed, () if answered else sent)
        case Observed(object_id, merge_base, observed, ours, shared):
            base = _base(entity, key, known, object_id, ours)
            base = replace(base, origin="shared") if shared else base
            fresh = {n: v for n, v in merge_base.items() if n not in base.sent or not same(base.sent[n], v)}
            return _looked_at(base, fresh, {**observed, MADE: {**observed.get(MADE, {}), **dict.fromkeys(fresh)}})
        case Named(object_id, shared):
            origin: Origin = "shared" if shared else "set"
            if known and known.object_id == object_id:
                return known if shared == (known.origin == "shared") else replace(known, origin=origin)
            former = {FORMER: known.object_id} if known and known.object_id else {}
            return Link(entity, key, object_id, {}, origin=origin, observed=former)


def named_meanwhile(stored: Link | None, loaded: Link | None) -> bool:
    """Whether a person named another record for this key since `loaded` was read: what they said is kept."""
    if stored is None or stored.origin not in ("set", "shared"):
        return False
    return loaded is None or stored.object_id != loaded.object_id


def _remembered(before: Mapping[str, Any], now: Mapping[str, Any], written: Iterable[str] = ()) -> dict[str, Any]:
    """What is known of a record after another look: fields that were not looked at are kept.

    `written`: fields that were changed after that look, so that nothing of them is known until the next one.
    """
    changed = dict.fromkeys(written)
    read = now.get(MADE) or {}
    known = {
        **before,
        **now,
        "theirs": _filled({**(before.get("theirs") or {}), **(now.get("theirs") or {}), **changed}),
        MADE: _filled({**(before.get(MADE) or {}), **read, **changed}),
        UNREAD: sorted({name for name in before.get(UNREAD) or () if name not in read} | changed.keys()),
    }
    return {name: value for name, value in known.items() if value and name not in (FORMER, INTENT)}


def _filled(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _base(entity: str, key: str, known: Link | None, object_id: str, ours: bool) -> Link:
    """The pair before this look. An intent becomes the pair that it announced."""
    if known and known.object_id in ("", object_id):
        return replace(known, object_id=object_id)
    origin: Origin = "created" if ours else "adopted"
    return Link(entity, key, object_id, {}, origin=origin)


def _looked_at(base: Link, sent: Mapping[str, Any], observed: Mapping[str, Any], written: Iterable[str] = ()) -> Link:
    return replace(base, sent={**base.sent, **sent}, observed=_remembered(base.observed, observed, written))
