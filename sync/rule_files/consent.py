"""Finds entries of `[consent]` that contradict each other, so that a refusal would be lost or a basis would never
count.
"""

from collections.abc import Iterator

from sync.domain.marketing import ChannelRule
from sync.domain.rules import Consent
from sync.domain.spelling import entry, shown


def problems(consent: Consent) -> Iterator[str]:
    """Contradictions between the keys of the section, as sentences with the key, what was found,
    and what is allowed.
    """
    if consent.granted == consent.refused:
        yield f"granted: found {shown(consent.granted)}, the code of `refused`; allowed: the code of a granted consent"
    yield from _bases(consent)
    yield from _channels(consent)


def _bases(consent: Consent) -> Iterator[str]:
    if "allowed_basis" in consent.model_fields_set and not consent.allowed_basis:
        yield "allowed_basis: must not be empty; leave it out to allow every basis but those of `no_basis`"
    if consent.confirmation_for and not consent.confirmed:
        yield "confirmed: must not be empty while `confirmation_for` asks for one of its values"
    for basis in sorted(consent.allowed_basis & consent.no_basis):
        yield f"allowed_basis: found {shown(basis)}, which `no_basis` names too; keep it in one of them"
    for basis in sorted(consent.confirmation_for):
        if basis in consent.no_basis:
            yield f"confirmation_for: found {shown(basis)}, which `no_basis` names; it never counts"
        elif consent.allowed_basis and basis not in consent.allowed_basis:
            yield f"confirmation_for: found {shown(basis)}, which never counts; add it to `allowed_basis` or remove it"


def _channels(consent: Consent) -> Iterator[str]:
    """Channels that are read twice from the same property. Several properties for one channel are allowed."""
    first: dict[tuple[str, str], int] = {}
    for number, rule in enumerate(consent.channels):
        earlier = first.setdefault((rule.channel, rule.property), number)
        if earlier != number:
            where = entry("channels", number, rule.channel)
            yield f"{where}: {_twice(rule)} by channels.{earlier} already; name all its values in one entry"


def _twice(rule: ChannelRule) -> str:
    return f"channel {shown(rule.channel)} is read from {shown(rule.property)}"
