"""What a tenant may be like: each trait that is known to differ, or that nobody documents, is a setting."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any


@dataclass
class Settings:
    csrf: str = "required"  # or "not_required": some tenants exempt technical users (C4C OData guide)
    csrf_header: bool = True  # False: only the text of the 403 tells, as in KBA 3048103
    csrf_expires_after: int | None = None  # writes that one token is good for
    duplicates: str = "accept"  # no document says that a POST over OData is ever refused as a duplicate
    eq_case_sensitive: bool = True
    batch_status: int = 202
    failed_changeset: str = "single"  # or "nested"
    rewrites_values: bool = True  # on saving: phones, case of e-mail addresses, double blanks; the forms are a guess
    creates_permission_set: bool = False
    work_place: str = "relationship"  # where e-mail, phone and job title live (inferred only); or "person"
    children_move_etag: bool = False  # whether a write to a child moves the ETag of its header too
    lower_case_uuid: str = "error"  # or "sap_message": 204 with a sap-message header and no effect
    sap_message_severity: str = "head"  # or "details": the head only informs, and the error is one of its details
    lock_code: str = "/SCMB/LOCK:001"  # nothing shows which code C4C gives a lock, if any
    error_shape: str = "value"  # {"lang", "value"}; or "text", or "details": the reason is in innererror.errordetails
    language: str = "en"  # of the technical user
    heeds_accept_language: bool = True
    latency_seconds: float = 0.0
    page_size: int = 1000
    expand_page_size: int = 100
    mandatory: dict[str, list[str]] = field(default_factory=dict)  # made mandatory by the tenant's key user
    hidden_services: list[str] = field(default_factory=list)  # entities whose service nobody ticked
    forbidden: list[str] = field(default_factory=list)  # entities in $metadata that the user may not access: 403
    hidden_fields: list[str] = field(default_factory=list)  # "Lead.HubSpotScore_KUT": not enabled on the service
    parallel_lock: bool = True
    refused_in_filters: list[str] = field(default_factory=list)  # a literal that holds one of these: 400 for the read
    refused_in_records: list[str] = field(default_factory=list)  # a record that holds one: 400 for the request round it
    odd_rows: list[dict[str, Any]] = field(default_factory=list)  # {"entity", "where", "field", "value"} shown instead
    batch_refusal_text: str = "The request could not be processed"  # its words; `{value}` repeats the value
    url_limit: int = 8000

    def update(self, values: dict[str, Any]) -> None:
        known = {f.name for f in fields(self)}
        if unknown := set(values) - known:
            raise ValueError(f"unknown settings {sorted(unknown)}")
        if values.get("duplicates", "accept") != "accept":
            raise ValueError("duplicates can only be 'accept'")
        if values.get("work_place", "person") not in ("relationship", "person"):
            raise ValueError("work_place can be 'relationship' or 'person'")
        for name, value in values.items():
            setattr(self, name, value)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)
