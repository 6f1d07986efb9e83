"""The state of one HubSpot portal and every way it changes."""

from bisect import bisect_right, insort
from collections.abc import Iterable, Mapping
from random import Random
from typing import Any, Protocol

from sandbox.hubspot import moments
from sandbox.hubspot.errors import bad_request
from sandbox.hubspot.index import SearchIndex
from sandbox.hubspot.limits import Limits
from sandbox.hubspot.links import PRIMARY, UNLABELED, Links
from sandbox.hubspot.owners import Owner
from sandbox.hubspot.records import Record, version
from sandbox.hubspot.schema import KINDS, MODIFIED, NOT_INDEXED, Property, definitions
from sandbox.hubspot.settings import Settings

TOKEN = "sandbox-hubspot-token"
_FIRST_MINTED = 9_900_000_001


class Clock(Protocol):
    def ms(self) -> int: ...


class HubSpotStore:
    """Contacts, companies, associations, owners and properties, with a search index that trails them."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.reset()

    def reset(self) -> None:
        """An empty portal with default settings."""
        self.settings = Settings()
        self.random = Random(1)
        self.limits = Limits(self.clock, self.settings)
        self.definitions: dict[str, dict[str, Property]] = definitions()
        self.records: dict[str, dict[str, Record]] = {kind: {} for kind in KINDS}
        self.live_ids: dict[str, list[int]] = {kind: [] for kind in KINDS}
        self.index = {kind: SearchIndex(self.definitions[kind], NOT_INDEXED[kind]) for kind in KINDS}
        self.links = Links()
        self.owners: dict[str, Owner] = {}
        self._minted = dict.fromkeys(KINDS, _FIRST_MINTED)

    # -- settings and index ---------------------------------------------------------------------------------------

    def patch_settings(self, changes: Mapping[str, Any]) -> None:
        """Change settings; what the index could see before stays seen."""
        for kind in KINDS:
            self.searchable(kind)
        self.settings.patch(dict(changes))
        for index in self.index.values():
            index.id_sort = self.settings.id_sort
            index.forget_order()

    def searchable(self, kind: str) -> SearchIndex:
        """The index of that object type as far as it has caught up by now."""
        index = self.index[kind]
        index.catch_up(self.clock.ms() - int(self.settings.index_lag_seconds * 1000))
        return index

    def index_everything(self) -> None:
        """Let the index see all changes at once, whatever its lag (after seeding)."""
        for index in self.index.values():
            index.catch_up(None)

    # -- reading --------------------------------------------------------------------------------------------------

    def resolve(self, kind: str, record_id: str) -> Record | None:
        """The record behind an id; ids merged away answer with the surviving record (HubSpot merge changelog)."""
        record = self.records[kind].get(record_id)
        while record is not None and record.merged_into is not None:
            record = self.records[kind].get(record.merged_into)
        return record if record is not None and record.present else None

    def find(self, kind: str, record_id: str, *, archived: bool = False) -> Record | None:
        """Live records, or with `archived` archived records only."""
        record = self.resolve(kind, record_id)
        return record if record is not None and (record.archived_ms is not None) == archived else None

    def by_value(self, kind: str, name: str, value: str, *, archived: bool = False) -> Record | None:
        wanted = value.lower()
        for record in self.records[kind].values():
            same = record.properties.get(name, "").lower() == wanted
            if same and record.present and (record.archived_ms is not None) == archived:
                return record
        return None

    def page(self, kind: str, after: int, limit: int, *, archived: bool) -> tuple[list[Record], bool]:
        """Records in id order beyond `after`, and whether there are more."""
        ids = self.live_ids[kind] if not archived else self._archived_ids(kind)
        start = bisect_right(ids, after)
        chosen = ids[start : start + limit]
        return [self.records[kind][str(number)] for number in chosen], start + limit < len(ids)

    def _archived_ids(self, kind: str) -> list[int]:
        # Ids merged away are not among the archived ones (amp-labs/connectors#3487).
        archived = [r.id for r in self.records[kind].values() if r.archived_ms is not None and r.present]
        return sorted(map(int, archived))

    def companies_of(self, contact_id: str) -> dict[str, set[int]]:
        """Live companies of a contact with their label type ids."""
        companies = self.links.companies(contact_id)
        return {company: types for company, types in companies.items() if self.records["companies"][company].live}

    # -- writing --------------------------------------------------------------------------------------------------

    def create(
        self,
        kind: str,
        properties: Mapping[str, Any],
        *,
        record_id: str | None = None,
        created_ms: int | None = None,
        updated_ms: int | None = None,
    ) -> Record:
        values = self._clean(kind, properties)
        created = self.clock.ms() if created_ms is None else created_ms
        updated = created if updated_ms is None else updated_ms
        number = record_id or self.mint(kind)
        kept = {name: value for name, value in values.items() if value}
        record = Record(kind, number, kept, created, updated)
        record.properties |= {"hs_object_id": number, "createdate": moments.iso(created)} | self._stamps(kind, updated)
        self.records[kind][number] = record
        insort(self.live_ids[kind], int(number))
        self._indexed(record)
        return record

    def update(
        self,
        kind: str,
        record_id: str,
        properties: Mapping[str, Any],
        *,
        touch: bool = True,
        source: tuple[str, str] | None = None,
    ) -> Record:
        """Write properties; the time stamp moves unless told otherwise or unless only scores were recalculated.

        `source`: the type and id that the history shows, such as a form.
        """
        record = self.records[kind][record_id]
        values = self._clean(kind, properties)
        # Does recalculating a score move the time stamp? Sources contradict each other (estuary#3515, #3528).
        scores_only = bool(values) and all(self.definitions[kind][name].score for name in values)
        moves = touch and (self.settings.score_moves_timestamp or not scores_only)
        by, source_id = source or ("CALCULATED" if scores_only else "CRM_UI", None)
        self._write(record, values, moves, by, source_id)
        return record

    def _write(
        self, record: Record, values: Mapping[str, str], moves: bool, source: str, source_id: str | None = None
    ) -> None:
        now = self.clock.ms()
        for name, value in values.items():
            earlier = record.history_of([name]).get(name, [])
            record.history[name] = [version(value, now, source, source_id), *earlier]
        merged = {**record.properties, **values}
        if moves:
            record.updated_ms = now
            merged |= self._stamps(record.kind, now)
        record.properties = {name: value for name, value in merged.items() if value}
        self._indexed(record)

    def _clean(self, kind: str, properties: Mapping[str, Any]) -> dict[str, str]:
        unknown = sorted(set(properties) - set(self.definitions[kind]))
        if unknown:
            raise ValueError(f"no {kind} property named {', '.join(unknown)}")
        return {name: _text(value) for name, value in properties.items()}

    def _stamps(self, kind: str, ms: int) -> dict[str, str]:
        return {MODIFIED[kind]: moments.iso(ms), "hs_lastmodifieddate": moments.iso(ms)}

    def _indexed(self, record: Record) -> None:
        seen = record.properties if record.live else None
        self.index[record.kind].note(self.clock.ms(), record.id, seen)

    def mint(self, kind: str) -> str:
        self._minted[kind] += 7
        return str(self._minted[kind])

    # -- life and death -------------------------------------------------------------------------------------------

    def archive(self, kind: str, record_id: str) -> None:
        """Archiving moves no time stamp, and hides from search (airbyte#19838)."""
        record = self._live(kind, record_id)
        record.archived_ms = self.clock.ms()
        self._left(record)

    def restore(self, kind: str, record_id: str, *, touch: bool = False) -> None:
        """The same id comes back; that its time stamp moves is nowhere promised."""
        record = self.records[kind][record_id]
        if record.archived_ms is None or not record.present:
            raise ValueError(f"{record_id} is not archived")
        record.archived_ms = None
        insort(self.live_ids[kind], int(record_id))
        self._write(record, {}, touch, "CRM_UI")
        self.links.version += 1

    def erase(self, kind: str, record_id: str) -> None:
        """A GDPR delete leaves nothing, not even an archived row (HubSpot GDPR delete docs)."""
        record = self.resolve(kind, record_id)
        if record is None:
            raise KeyError(record_id)
        was_live = record.live
        record.erased = True
        record.properties = {}
        record.history = {}
        self._unlink(record)
        if was_live:
            self._left(record)

    def _unlink(self, record: Record) -> None:
        if record.kind == "contacts":
            pairs = [(record.id, company_id) for company_id in self.links.companies(record.id)]
        else:
            pairs = [(contact_id, record.id) for contact_id in self.links.contacts(record.id)]
        for contact_id, company_id in pairs:
            self.links.remove(contact_id, company_id)

    def merge(self, kind: str, primary_id: str, other_id: str) -> Record:
        """Both records give way to one with a NEW id; the primary's values win (HubSpot merge changelog)."""
        primary, other = self._live(kind, primary_id), self._live(kind, other_id)
        if primary is other:
            raise ValueError("a record cannot be merged with itself")
        old_ids = [*_ids(primary), *_ids(other)]
        values = {**other.properties, **primary.properties, "hs_merged_object_ids": ";".join(old_ids)}
        survivor = self.create(kind, values, created_ms=min(primary.created_ms, other.created_ms),
                               updated_ms=self.clock.ms())  # fmt: skip
        for gone in (primary, other):
            gone.merged_into = survivor.id
            self._left(gone)
        self._move_links(kind, survivor, primary, other)
        return survivor

    def _move_links(self, kind: str, survivor: Record, primary: Record, other: Record) -> None:
        if kind == "contacts":
            for gone in (primary, other):
                self._move_companies(gone.id, survivor.id)
        else:
            for gone in (primary, other):
                self._move_contacts(gone.id, survivor.id)

    def _move_companies(self, old: str, new: str) -> None:
        for company_id, types in list(self.links.companies(old).items()):
            # Surplus primary labels of the secondary record are dropped (HubSpot merge changelog).
            kept = types - {PRIMARY} if self.links.primary(new) else types
            known = self.links.companies(new).get(company_id, set())
            self.links.remove(old, company_id)
            self._put(new, company_id, known | kept)

    def _move_contacts(self, old: str, new: str) -> None:
        for contact_id in self.links.contacts(old):
            types = self.links.companies(contact_id)[old] | self.links.companies(contact_id).get(new, set())
            self.links.remove(contact_id, old)
            self._put(contact_id, new, types)

    def _live(self, kind: str, record_id: str) -> Record:
        record = self.find(kind, record_id)
        if record is None:
            raise KeyError(record_id)
        return record

    def _left(self, record: Record) -> None:
        ids = self.live_ids[record.kind]
        place = bisect_right(ids, int(record.id)) - 1
        if place >= 0 and ids[place] == int(record.id):
            del ids[place]
        self.links.version += 1
        self._indexed(record)

    # -- associations ---------------------------------------------------------------------------------------------

    def associate(self, contact_id: str, company_id: str, labels: Iterable[str | int], *, touch: bool = False) -> None:
        """Set all labels of a pair. Labels alone move no time stamp (airbyte#27199, #44554)."""
        contact, company = self._live("contacts", contact_id), self._live("companies", company_id)
        self._put(contact.id, company.id, {self.links.type_id(label) for label in labels}, touch=touch)

    def _put(self, contact_id: str, company_id: str, types: set[int], *, touch: bool = False) -> None:
        self.links.put(contact_id, company_id, types)
        self._mirror_primary(contact_id, touch)

    def dissociate(self, contact_id: str, company_id: str, *, touch: bool = False) -> None:
        if not self.links.remove(contact_id, company_id):
            raise KeyError(f"{contact_id} and {company_id} are not associated")
        self._mirror_primary(contact_id, touch)

    def _mirror_primary(self, contact_id: str, touch: bool) -> None:
        """The primary company is mirrored in a property of the contact (property export of a portal)."""
        record = self.records["contacts"][contact_id]
        if not record.present:
            return
        primary = self.links.primary(contact_id) or ""
        if touch or record.properties.get("associatedcompanyid", "") != primary:
            self._write(record, {"associatedcompanyid": primary}, touch, "ASSOCIATIONS")

    # -- owners and properties ------------------------------------------------------------------------------------

    def add_owner(self, email: str, first_name: str, last_name: str, *, owner_id: str | None = None,
                  user_id: int | None = None, archived: bool = False) -> Owner:  # fmt: skip
        number = owner_id or str(max([71_000_000, *map(int, self.owners)]) + 13)
        owner = Owner(number, email, first_name, last_name, user_id or int(number) - 60_000_000,
                      self.clock.ms(), archived)  # fmt: skip
        self.owners[number] = owner
        return owner

    def define(self, kind: str, definition: Property) -> None:
        self.definitions[kind][definition.name] = definition
        self.index[kind].forget_order()

    def undefine(self, kind: str, name: str) -> None:
        del self.definitions[kind][name]
        for record in self.records[kind].values():
            if name in record.properties:
                self._write(record, {name: ""}, False, "CRM_UI")
        self.index[kind].forget_order()

    def shown(self, kind: str, names: Iterable[str] | None) -> set[str]:
        """Which of the properties that a read lists it shows: what it does with unknown ones is documented nowhere."""
        known, asked = set(self.definitions[kind]), set(names or ())
        if self.settings.unknown_property == "refused" and not asked <= known:
            raise bad_request("There was a problem with the request.")
        return known | asked if self.settings.unknown_property == "null" else known

    # -- for tests ------------------------------------------------------------------------------------------------

    def truth(self) -> dict[str, list[dict[str, Any]]]:
        """Everything as it is, whatever the API would show."""
        return {
            "contacts": [record.truth() for record in self.records["contacts"].values()],
            "companies": [record.truth() for record in self.records["companies"].values()],
            "associations": [
                {"contact_id": contact, "company_id": company, "types": self.links.types_json(types)}
                for contact, companies in self.links.pairs.items()
                for company, types in companies.items()
            ],
            "owners": [owner.as_json() for owner in self.owners.values()],
            "labels": self.links.labels_json(),
        }

    def take_over(self, truth: Mapping[str, Any]) -> None:
        """Fill an empty portal with what `truth` of another one showed; each property's history begins anew."""
        for label in truth["labels"]:
            if label["category"] == "USER_DEFINED":
                self.links.add_label(label["label"], label["typeId"])
        for kind in KINDS:
            for row in truth[kind]:
                self._take_over_record(kind, row)
            self._minted[kind] = max([self._minted[kind], *map(int, self.records[kind])])
        for pair in truth["associations"]:
            custom = {row["typeId"] for row in pair["types"]} - {UNLABELED}
            self.links.put(pair["contact_id"], pair["company_id"], custom)

    def _take_over_record(self, kind: str, row: Mapping[str, Any]) -> None:
        properties = row["properties"]
        created, updated = (moments.parse(properties[name]) for name in ("createdate", MODIFIED[kind]))
        record = self.create(kind, properties, record_id=row["id"], created_ms=created, updated_ms=updated)
        record.merged_into, record.erased = row.get("merged_into"), row["erased"]
        record.archived_ms = updated if row["archived"] else None
        if not record.live:
            self._left(record)


def _ids(record: Record) -> list[str]:
    """All ids that lead to a record: those it swallowed earlier, and its own."""
    earlier = record.properties.get("hs_merged_object_ids", "")
    return [number for number in earlier.split(";") if number] + [record.id]


def _text(value: Any) -> str:
    """HubSpot keeps every value as text; nothing is kept as nothing."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
