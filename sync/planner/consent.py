"""What the contact allows and refuses, channel by channel, and what a refusal means after the handover. Pure."""

from collections.abc import Mapping

from sync.domain.rules import Consent, FieldRule
from sync.domain.views import ContactView

Told = Mapping[str, tuple[str, FieldRule]]
"""Channel → (consent code, how it is compared)."""


def consents(view: ContactView, consent: Consent) -> Told:
    """What HubSpot knows. A refusal always goes over; consent never overrides what C4C knows better.

    A property that cannot be read says nothing here, so that it holds back no refusal that another one says.
    """
    found: dict[str, tuple[str, FieldRule]] = {}
    for rule in consent.channels:
        value = view.known(rule.property)
        if value in rule.granted:
            found.setdefault(rule.channel, (consent.granted, FieldRule.C4C_WINS))
        elif value in rule.refused:
            found[rule.channel] = (consent.refused, FieldRule.HUBSPOT_WINS)
    if _opted_out(view, consent):
        found[consent.email_channel] = (consent.refused, FieldRule.HUBSPOT_WINS)
    return found


def refusals(view: ContactView, consent: Consent) -> Told:
    return {channel: told for channel, told in consents(view, consent).items() if told[0] == consent.refused}


def stops_updates(view: ContactView, consent: Consent) -> bool:
    """Whether somebody who was handed over opted out since, where the rules then stop all updates.

    Who had opted out before every handover was handed over nonetheless: nothing was withdrawn.
    """
    since = any(cycle.evidence.get(consent.optout_property) != "true" for cycle in view.cycles)
    return consent.stop_updates_when_withdrawn and since and _opted_out(view, consent)


def refused_since(view: ContactView, consent: Consent) -> bool:
    """Whether sales may still hold a consent of somebody who was handed over and refuses now."""
    alive = not (view.merged_into or view.erased or view.archived)
    return alive and bool(view.cycles) and bool(refusals(view, consent))


def _opted_out(view: ContactView, consent: Consent) -> bool:
    return view.known(consent.optout_property) == "true"
