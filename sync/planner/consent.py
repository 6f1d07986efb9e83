"""A contact's consent and refusals by channel, and the effect of a refusal after the handover. Pure."""

from collections.abc import Mapping

from sync.domain.alike import among, code, truth
from sync.domain.codes import Code
from sync.domain.decision import Reason
from sync.domain.marketing import ChannelRule
from sync.domain.rules import Consent, FieldRule
from sync.domain.views import ContactView

_Consents = Mapping[str, tuple[str, FieldRule]]
"""Channel → (consent code, how it is compared)."""


def consents(view: ContactView, consent: Consent) -> _Consents:
    """Consents and refusals in HubSpot.

    A refusal is always carried over; a consent does not replace what C4C knows better. A property that cannot be read
    is ignored here, so that it does not hold back a refusal from another one.
    """
    found: dict[str, tuple[str, FieldRule]] = {}
    for rule in consent.channels:
        value = view.known(rule.property)
        if value is None:
            continue
        if _refuses(rule, value):
            found[rule.channel] = (consent.refused, FieldRule.HUBSPOT_WINS)
        elif _means(value, rule.granted):
            found.setdefault(rule.channel, (consent.granted, FieldRule.C4C_WINS))
    if opted_out(view.known(consent.optout_property)):
        found[consent.email_channel] = (consent.refused, FieldRule.HUBSPOT_WINS)
    return found


def legal_bases(value: str | None, consent: Consent) -> list[str]:
    """The legal bases in a value that count for a handover."""
    named = consent.allowed_basis or consent.no_basis
    bases = (part.strip() for part in (value or "").split(";"))
    return [basis for basis in bases if basis and among(basis, named) is bool(consent.allowed_basis)]


def refusals(view: ContactView, consent: Consent) -> _Consents:
    return {channel: given for channel, given in consents(view, consent).items() if given[0] == consent.refused}


def stops_updates(view: ContactView, consent: Consent) -> bool:
    """Whether the contact opted out after its handover, and the rules then stop all updates.

    A contact already opted out at each handover has not withdrawn anything, so updates continue.
    """
    since = any(not opted_out(cycle.evidence.get(consent.optout_property)) for cycle in view.cycles)
    return consent.stop_updates_when_withdrawn and since and opted_out(view.known(consent.optout_property))


def refused_since(view: ContactView, consent: Consent) -> bool:
    """Whether the contact was handed over and refuses now, so that C4C may still hold a consent."""
    alive = not (view.merged_into or view.erased or view.archived)
    return alive and bool(view.cycles) and bool(refusals(view, consent))


def opted_out(value: str | None) -> bool:
    """Whether an opt-out is set.

    A value that is neither true nor false counts as set, so that no person is contacted by mistake.
    """
    return value is not None and truth(value) is not False


def _refuses(rule: ChannelRule, value: str) -> bool:
    """Whether the value means refusal on a channel.

    If the rule uses true and false, any other value means refusal too.
    """
    return _means(value, rule.refused) or (_boolean(rule) and truth(value) is None)


def _means(value: str, values: frozenset[str]) -> bool:
    """Whether the rule names the value, ignoring case, or in another spelling of true or false."""
    said = truth(value)
    return any(code(value) == code(named) or (named in _BOOLEANS and said is (named == "true")) for named in values)


_BOOLEANS = frozenset({"true", "false"})


def _boolean(rule: ChannelRule) -> bool:
    return (rule.granted | rule.refused) <= _BOOLEANS


def doubts(view: ContactView, consent: Consent) -> list[Reason]:
    """A warning for each yes/no property with another value, which is taken for a refusal."""
    names = [consent.optout_property, *(rule.property for rule in consent.channels if _boolean(rule))]
    odd = [name for name in dict.fromkeys(names) if (value := view.known(name)) is not None and truth(value) is None]
    return [Reason(Code.VALUE_INVALID, f"{name} is neither true nor false, taken for a refusal") for name in odd]
