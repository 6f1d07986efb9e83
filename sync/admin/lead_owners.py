"""The e-mail addresses of leads' owners, as far as they can be known without the network."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from sync.contracts.tenant_memory import remembered_tenant
from sync.domain.rules import Rules
from sync.mirror import listing
from sync.planner.observed import observed_fingerprint


@dataclass(frozen=True, slots=True)
class LeadOwners:
    """Employees of SAP Sales Cloud whose address HubSpot or the rules name: their address by fingerprint of the UUID.

    What the tenant offers is remembered by hashes of addresses, so an address that neither names stays unknown.
    """

    by_fingerprint: Mapping[str, str]

    @classmethod
    def read(cls, session: Session, rules: Rules) -> "LeadOwners":
        """The owners of this state."""
        employees = remembered_tenant(session, rules)[0].employees
        known = {*listing.owner_addresses(session), *_in_rules(rules)}
        return cls({observed_fingerprint(employees[a]): a for a in sorted(known) if a.casefold() in employees})

    def of(self, sent: Mapping[str, Any], observed: Mapping[str, Any]) -> str | None:
        """The owner of a lead: whom sales gave it to, as last read, else whom we gave it to."""
        foreign = observed.get("theirs")
        chosen = foreign.get("OwnerPartyUUID") if isinstance(foreign, Mapping) else None
        ours = sent.get("OwnerPartyUUID")
        return self.by_fingerprint.get(chosen or (observed_fingerprint(ours) if ours else ""))


def _in_rules(rules: Rules) -> Iterator[str]:
    for rule in rules.qualification.owners.values():
        yield from rule.round_robin
        yield from (territory.owner for territory in rule.territories)
