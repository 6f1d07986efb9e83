"""Notices that the rules differ from those of the last run, and marks all contacts pending."""

from sqlmodel import Session

from sync.context import Context
from sync.domain.rules import Rules
from sync.jobs.poll import STREAMS
from sync.log import Event, emit
from sync.mirror import crossings
from sync.reading import fetched
from sync.state import streams
from sync.state.documents import PROPERTIES, RULES, RULES_SINCE

_REMEMBERED = 100
"""How many changes of the rules reports look back on."""


def are_new(session: Session, rules: Rules) -> bool:
    """Whether earlier runs used other rules, and none has used these yet."""
    before = RULES.read(session)
    return bool(before) and before != rules.fingerprint


def follow_rules(context: Context) -> None:
    """Marks all contacts pending under new rules, and reads a stream anew if rules name further properties of it."""
    fingerprint = context.config.rules.fingerprint
    with context.store.session() as session:
        before = RULES.read(session)
        if before == fingerprint:
            return
        for stream in STREAMS:
            named, known = fetched.named_properties(context, stream), PROPERTIES.read(session, stream)
            if before and not {*named} <= {*known.split()}:
                streams.read_anew(session, stream)
            PROPERTIES.write(session, " ".join(named), stream)
        RULES.write(session, fingerprint)
        RULES_SINCE.write(session, [*RULES_SINCE.read(session), (context.now(), fingerprint)][-_REMEMBERED:])
        reviewed = crossings.review(session, context.config.rules.qualification.scores, context.now()) if before else 0
    if before:
        emit(Event.RULES_CHANGED, version=fingerprint, contacts=reviewed)
