"""What became of a lead, as far as it was read. Pure."""

from collections.abc import Mapping
from enum import StrEnum

from sync.domain.link import GONE
from sync.domain.rules import LeadMap


class LeadStatus(StrEnum):
    """The status of a lead in lists and reports."""

    OPEN = "open"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    CONVERTED = "converted"
    GONE = "gone"
    UNKNOWN = "unknown"


_CONVERTED = "6"
"""`LifeCycleStatusCode` of a converted lead (SAP's lead guide). Another closed status counts as declined."""


def lead_status(observed: Mapping[str, object] | None, lead: LeadMap) -> LeadStatus:
    """The status when the lead was last read; `observed` is what its link holds, None without a link."""
    status = (observed or {}).get("LifeCycleStatusCode")
    if observed and observed.get(GONE):
        return LeadStatus.GONE
    if not isinstance(status, str):
        return LeadStatus.UNKNOWN
    if status in lead.closed_status:
        return LeadStatus.CONVERTED if status == _CONVERTED else LeadStatus.DECLINED
    return LeadStatus.ACCEPTED if status in lead.accepted_status else LeadStatus.OPEN
