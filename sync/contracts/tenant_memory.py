"""Remembers what the tenant offered in the last run (fields and employees), so that plans can be made without the
network. E-mail addresses are kept as hashes only: they can be tested, but not read.
"""

import hashlib
from collections.abc import Collection, Iterator, Mapping

from sqlmodel import Session

from sync.contracts.tenant import USEFUL, assumed
from sync.domain import schema
from sync.domain.entities import KEYED
from sync.domain.rules import Rules
from sync.planner.plan import Tenant
from sync.rule_files import standard_fields
from sync.state.documents import TENANT, TenantOffer


def remember_tenant(session: Session, tenant: Tenant) -> None:
    """Keeps the tenant for later."""
    offered = tenant.schema.entities
    written = schema.Schema({entity: offered[entity] for entity in (*KEYED, *USEFUL) if entity in offered})
    known = TenantOffer(
        standard_fields.to_table(written),
        employees={_fingerprint(e): u for e, u in tenant.employees.items()},
        shared=tuple(sorted(map(_fingerprint, tenant.shared))),
        valid=tuple(sorted(tenant.valid)),
    )
    if TENANT.read(session) != known:
        TENANT.write(session, known)


def remembered_tenant(session: Session, rules: Rules) -> tuple[Tenant, bool]:
    """The tenant as last read, and True; if it was never read, the shipped field table without employees, and False."""
    known = TENANT.read(session)
    if known is None:
        return Tenant(assumed(rules)), False
    shared, employees = _Addresses(frozenset(known.shared)), _Employees(known.employees)
    schema_then = standard_fields.from_table(known.fields)
    return Tenant(schema_then, employees, shared=shared, valid=frozenset(known.valid)), True


class _Employees(Mapping[str, str]):
    """UUIDs by lower-case e-mail address, kept by hash of the address."""

    def __init__(self, by_fingerprint: Mapping[str, str]) -> None:
        self._by_fingerprint = by_fingerprint

    def __getitem__(self, address: str) -> str:
        return self._by_fingerprint[_fingerprint(address)]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_fingerprint)

    def __len__(self) -> int:
        return len(self._by_fingerprint)


class _Addresses(Collection[str]):
    """A set of e-mail addresses, kept as hashes."""

    def __init__(self, fingerprints: frozenset[str]) -> None:
        self._fingerprints = fingerprints

    def __contains__(self, address: object) -> bool:
        return isinstance(address, str) and _fingerprint(address) in self._fingerprints

    def __iter__(self) -> Iterator[str]:
        return iter(self._fingerprints)

    def __len__(self) -> int:
        return len(self._fingerprints)


def _fingerprint(address: str) -> str:
    return hashlib.sha256(address.casefold().encode()).hexdigest()[:24]
