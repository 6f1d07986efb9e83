"""Associations contact -> company with their labels, and the portal's label definitions."""

from collections.abc import Iterable
from typing import Any

# Type ids of the direction contact -> company (HubSpot associations v4 guide).
UNLABELED = 279
PRIMARY = 1
_FIRST_CUSTOM = 28


class Links:
    """Every pair carries the unlabeled type plus any labels; a contact has at most one primary company."""

    def __init__(self) -> None:
        self.labels: dict[int, str] = {}
        self._highest = _FIRST_CUSTOM - 2
        self.pairs: dict[str, dict[str, set[int]]] = {}
        self.version = 0
        self._contacts_of: dict[str, set[str]] = {}

    def add_label(self, text: str, type_id: int | None = None) -> int:
        number = type_id or self._highest + 2
        if number in (UNLABELED, PRIMARY) or number in self.labels:
            raise ValueError(f"type id {number} is taken")
        self.labels[number] = text
        self._highest = max(self._highest, number)  # no id comes twice, also after its label was deleted
        return number

    def rename_label(self, type_id: int, text: str) -> None:
        if type_id not in self.labels:
            raise KeyError(type_id)
        self.labels[type_id] = text

    def remove_label(self, type_id: int) -> None:
        del self.labels[type_id]
        for companies in self.pairs.values():
            for types in companies.values():
                types.discard(type_id)

    def type_id(self, label: str | int) -> int:
        if label == "Primary" or label == PRIMARY:
            return PRIMARY
        for number, text in self.labels.items():
            if label in (number, text):
                return number
        raise ValueError(f"no label {label!r}")

    def put(self, contact_id: str, company_id: str, types: Iterable[int]) -> None:
        """Set the complete labels of a pair; writing labels replaces what was there (HubSpot associations v4 guide)."""
        chosen = set(types)
        companies = self.pairs.setdefault(contact_id, {})
        if PRIMARY in chosen:
            for others in companies.values():
                others.discard(PRIMARY)
        companies[company_id] = chosen
        self._contacts_of.setdefault(company_id, set()).add(contact_id)
        self.version += 1

    def remove(self, contact_id: str, company_id: str) -> bool:
        types = self.pairs.get(contact_id, {}).pop(company_id, None)
        if not self.pairs.get(contact_id):
            self.pairs.pop(contact_id, None)
        self._contacts_of.get(company_id, set()).discard(contact_id)
        self.version += 1
        return types is not None

    def companies(self, contact_id: str) -> dict[str, set[int]]:
        return self.pairs.get(contact_id, {})

    def contacts(self, company_id: str) -> list[str]:
        return sorted(self._contacts_of.get(company_id, ()), key=int)

    def primary(self, contact_id: str) -> str | None:
        return next((company for company, types in self.companies(contact_id).items() if PRIMARY in types), None)

    def types_json(self, types: set[int]) -> list[dict[str, Any]]:
        """The pair's types as the API lists them, the unlabeled one always among them."""
        rows = [definition(PRIMARY, "Primary")] if PRIMARY in types else []
        rows.append(definition(UNLABELED, None))
        return rows + [definition(number, self.labels[number]) for number in sorted(types) if number in self.labels]

    def labels_json(self) -> list[dict[str, Any]]:
        known = [definition(PRIMARY, "Primary"), definition(UNLABELED, None)]
        return known + [definition(number, text) for number, text in self.labels.items()]


def definition(type_id: int, label: str | None) -> dict[str, Any]:
    category = "HUBSPOT_DEFINED" if type_id in (UNLABELED, PRIMARY) else "USER_DEFINED"
    return {"category": category, "typeId": type_id, "label": label}
