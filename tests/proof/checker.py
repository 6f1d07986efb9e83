"""The one judge of a life. It imports nothing of `sync/` and knows only what `Evidence` holds.

Its knowledge of the rules is its own, written from docs/rules.md; of the shipped mapping it reads which side wins a
field.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

from proof import along_the_way, at_rest
from proof.evidence import C4C, ENTITIES, Evidence, Finding, HubSpot, State, watermark
from proof.journal import Journal

from sandbox.world import World

KINDS = ("lost", "duplicate", "unlawful", "leak", "broken")

_SECTIONS = {"account": "CorporateAccount", "contact": "Contact", "lead": "Lead"}


@cache
def winners(mapping: Path) -> Mapping[str, Mapping[str, str]]:
    """By entity and field, which side wins it."""
    document = tomllib.loads(mapping.read_text(encoding="utf-8"))
    found: dict[str, dict[str, str]] = {}
    for section, entity in _SECTIONS.items():
        for entry in document[section]["fields"]:
            targets = entry["target"] if isinstance(entry["target"], list) else [entry["target"]]
            found.setdefault(entity, {}).update(dict.fromkeys(targets, entry["rule"]))
    # C4C derives it from the person's main relationship, which follows the primary company.
    del found["Contact"]["AccountUUID"]
    return found


def judge(seen: Evidence) -> list[Finding]:
    """Everything that is wrong with a life that has come to rest."""
    return [*at_rest.findings(seen), *along_the_way.findings(seen)]


def evidence(world: World, state: Path, journal: Journal, log: str, unsettled: int, mapping: Path) -> Evidence:
    """Everything that the checks look at. `unsettled`, `mapping`: as in `Evidence` and `winners`."""
    hubspot, c4c = HubSpot(world.hubspot.truth()), C4C(world.c4c.truth(list(ENTITIES)))
    return Evidence(hubspot, c4c, State.of(state), journal, log, unsettled, winners(mapping))


def ahead(world: World, state: Path, journal: Journal) -> Iterator[Finding]:
    """The watermark never passes a row that is not stored: a contact that changed before it is there as it is.

    Called between two phases of work, since the state file is rolled back where the worker died."""
    until = watermark(state, "contacts")
    if until is None or datetime.fromisoformat(until) > world.clock.now():
        # Where the worker's clock runs ahead it cannot know better; what it missed is read once the clock is right.
        return
    limit = (datetime.fromisoformat(until) - timedelta(seconds=1)).timestamp() * 1000
    held = State.of(state).mirror
    for record in world.hubspot.records["contacts"].values():
        if not record.live or record.updated_ms >= limit or record.id in journal.restored:
            continue
        stored = held.get(record.id, {})
        wrong = [
            n for n, value in stored.items() if n != "lead_score" and (value or "") != record.properties.get(n, "")
        ]
        if not stored or wrong:
            text = f"contact {record.id}: {wrong or 'not stored'}, read until {until}"
            yield Finding("lost", "no watermark ahead", text)
