"""Addresses that open a record in the browser, in HubSpot and in SAP Sales Cloud. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from sync.domain.entities import Entity

_C4C_PAGE = (
    "/sap/public/byd/runtime?bo_ns=http://sap.com/thingTypes&bo=COD_GENERIC&node=Root&operation=OnExtInspect"
    "&param.InternalID={number}&param.Type={type}&sapbyd-agent=TAB"
)
"""SAP KBA 3521005, and "How to construct a Deep link URL for C4C Business Objects" (2019)."""


@dataclass(frozen=True, slots=True)
class RecordLinks:
    """Where records are opened. An empty base or type gives no link.

    `hubspot` and `c4c` are the addresses that people use, without a slash at the end; `portal` is HubSpot's portal id;
    `types` holds C4C's object type by kind of record.
    """

    hubspot: str = ""
    portal: str = ""
    c4c: str = ""
    types: Mapping[str, str] = field(default_factory=dict)

    def contact(self, contact_id: str) -> str | None:
        """The contact in HubSpot."""
        return self._in_hubspot("0-1", contact_id)

    def company(self, company_id: str) -> str | None:
        """The company in HubSpot."""
        return self._in_hubspot("0-2", company_id)

    def record(self, entity: Entity, number: str | None) -> str | None:
        """The record of this kind with this number (the one that people call it by) in SAP Sales Cloud."""
        if not (self.c4c and number and self.types.get(entity)):
            return None
        return self.c4c + _C4C_PAGE.format(number=quote(number, safe=""), type=quote(self.types[entity], safe=""))

    def _in_hubspot(self, kind: str, object_id: str) -> str | None:
        if not (self.hubspot and self.portal):
            return None
        return f"{self.hubspot}/contacts/{quote(self.portal, safe='')}/record/{kind}/{quote(object_id, safe='')}"
