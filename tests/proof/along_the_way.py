"""What must hold at every moment: read from the journal, entry by entry."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

from proof.evidence import CLOSED, KEY, Evidence, Finding, Row, has_basis, score_of
from proof.journal import Effect

PERSONAL = re.compile(r"(?i)qz\w*|\+49\W?\d+")
"""Every name, address and telephone number of a person in a life looks like this."""

GONE_FOR = timedelta(hours=26)
"""After that time even the slowest sweep has noticed that somebody is gone."""


def findings(seen: Evidence) -> Iterator[Finding]:
    yield from unlawful(seen)
    yield from edits(seen)
    yield from cycles(seen)
    yield from leaks(seen)


# ---- lawful


def unlawful(seen: Evidence) -> Iterator[Finding]:
    """No person goes over without a score and a legal basis that the last complete reading or a later one showed."""
    for effect in seen.journal.ours():
        if effect.kind != "create" or effect.entity not in ("Contact", "Lead") or not effect.after.get(KEY):
            continue
        contact = effect.after[KEY].split(":")[0]
        if not any(has_basis(shown) and _high(seen, effect, shown) for shown in _known(seen, contact, effect.at)):
            yield Finding("unlawful", "no handover without a legal basis", f"{effect.entity} {effect.after[KEY]}")


def _known(seen: Evidence, contact: str, at: int) -> list[Row]:
    """What was known of a contact at that moment: as the last complete reading showed it, and what came after it."""
    shown = [one for one in seen.journal.shown.get(contact, []) if one.at < at]
    complete = seen.journal.last_reading(at)
    before = [one for one in shown if one.at <= complete]
    return [one.properties for one in [*before[-1:], *(one for one in shown if one.at > complete)]]


def _high(seen: Evidence, effect: Effect, shown: Row) -> bool:
    score = score_of(shown)
    return score is not None and score >= seen.threshold(effect.at)


# ---- what sales did stays


def edits(seen: Evidence) -> Iterator[Finding]:
    """By the field rules: what sales changed stays where sales wins; what we only fill in at first we never change."""
    theirs: dict[tuple[str, str], object] = {}
    for effect in seen.journal.effects:
        if effect.kind != "update":
            continue
        for name, rule in seen.mapping.get(effect.entity, {}).items():
            before, after, place = effect.before.get(name), effect.after.get(name), (effect.object_id, name)
            if before != after and not effect.ours:
                theirs[place] = after
            elif before != after and _loses(rule, theirs.get(place, _NOTHING) == before):
                yield Finding("broken", "sales' edits survive", f"{effect.entity}.{name} was {rule}")
        if effect.ours and effect.entity == "Lead" and effect.before.get("LifeCycleStatusCode") in CLOSED:
            yield Finding("broken", "closed leads are left alone", f"Lead {effect.before.get(KEY)}")


def _loses(rule: str, edited: bool) -> bool:
    """Whether a change by us takes something from sales; `edited`: the value that we replaced was theirs."""
    return rule == "create_only" or (rule == "c4c_wins" and edited)


_NOTHING = object()


# ---- cycles


def cycles(seen: Evidence) -> Iterator[Finding]:
    """A further lead only when every one before it is closed or gone, also those of ids that were merged into it."""
    leads: dict[str, Row] = {}
    for effect in seen.journal.effects:
        if effect.entity != "Lead":
            continue
        key = str((effect.after or effect.before).get(KEY) or "")
        contact = key.split(":")[0]
        if effect.ours and effect.kind == "create":
            former = seen.hubspot.merged_into(contact)
            still_open = [k for k, row in leads.items() if k.split(":")[0] in former and _open(row)]
            if still_open:
                yield Finding("duplicate", "one open lead a contact", f"{key} beside {sorted(still_open)}")
        leads[key] = effect.after


def _open(lead: Row) -> bool:
    return bool(lead) and lead["LifeCycleStatusCode"] not in CLOSED


# ---- nothing personal in any output


def leaks(seen: Evidence) -> Iterator[Finding]:
    for where, text in (("the log", seen.log), *(("the state's texts", text) for text in seen.state.texts)):
        if found := PERSONAL.search(text):
            line = text[text.rfind("\n", 0, found.start()) + 1 : found.end() + 80].partition("\n")[0]
            yield Finding("leak", f"nothing personal in {where}", line)
