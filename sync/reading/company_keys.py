"""Maintains the index that finds companies which may stand for the same account."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session

from sync.context import Context
from sync.domain.rules import AccountMap
from sync.mappers import identity
from sync.mirror import loading, mirrored, peers
from sync.state.documents import COMPANY_KEYS
from sync.state.pending import portions

_PORTION = 2000


def note_companies(session: Session, company_ids: Sequence[str], rules: AccountMap, now: datetime) -> None:
    """Renews the keys of companies that changed."""
    found = loading.companies(session, company_ids)
    peers.save_keys(session, {i: identity.keys(company, rules) for i, company in found.items()}, now)


def follow(context: Context) -> None:
    """Renews the keys of all companies if the rules compare companies in another way than before."""
    rules = context.config.rules.mapping.account
    wanted = repr((rules.natural_keys, sorted(rules.shared_domains)))
    with context.store.session() as session:
        if COMPANY_KEYS.read(session) == wanted:
            return
        for ids in portions(mirrored.company_ids(session), _PORTION):
            note_companies(session, ids, rules, context.now())
            session.expunge_all()
        COMPANY_KEYS.write(session, wanted)
