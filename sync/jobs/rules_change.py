"""Notices that the rules differ from those of the last run, and marks all contacts pending."""

from sqlmodel import Session

from sync.context import Context
from sync.domain.rules import Rules
from sync.jobs.poll import STREAMS
from sync.log import Event, emit
from sync.mirror import crossings
from sync.reading import fetched
from sync.state import streams


def are_new(session: Session, rules: Rules) -> bool:
    """Whether earlier runs used other rules, and none has used these yet."""
    before = streams.remembered(session, "rules")
    return before is not None and before != rules.fingerprint


def follow(context: Context) -> None:
    """Marks all contacts pending under new rules, and reads a stream anew if rules name further properties of it."""
    fingerprint = context.config.rules.fingerprint
    with context.store.session() as session:
        before = streams.remembered(session, "rules")
        if before == fingerprint:
            return
        for stream in STREAMS:
            named = " ".join(fetched.named(context, stream))
            known = streams.remembered(session, f"properties of {stream}")
            if known is not None and not set(named.split()) <= set(known.split()):
                streams.reopen(session, stream)
            streams.remember(session, f"properties of {stream}", named)
        streams.remember(session, "rules", fingerprint)
        reviewed = crossings.review(session, context.config.rules.qualification.scores, context.now()) if before else 0
    if before:
        emit(Event.RULES_CHANGED, version=fingerprint, contacts=reviewed)
