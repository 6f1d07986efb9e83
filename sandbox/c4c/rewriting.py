"""What C4C makes of values on saving: phones in its own format, e-mail addresses in small letters, single blanks."""

from __future__ import annotations

import re
from typing import Any

PHONES = ("Phone", "Mobile", "Fax", "ContactPhone", "ContactMobile", "AccountPhone")
ADDRESSES = ("Email", "ContactEMail", "AccountEMail")
ENTITIES = ("CorporateAccount", "Contact", "ContactIsContactPersonFor", "Lead")
KEPT = ("HubSpotID_KUT", "ObjectID", "WebSite")


def rewrite(entity: str, row: dict[str, Any]) -> None:
    if entity not in ENTITIES:
        return
    for name, value in row.items():
        if isinstance(value, str) and name not in KEPT:
            row[name] = _rewritten(name, value)


def _rewritten(name: str, value: str) -> str:
    if name in PHONES:
        return phone(value)
    return value.lower() if name in ADDRESSES else re.sub(r" {2,}", " ", value).strip(" ")


def phone(value: str) -> str:
    """`+1 (651) 733-2220` becomes `+1 651 733 2220`, and an extension stays behind its word."""
    number, mark, extension = re.match(r"([^A-Za-z]*)([A-Za-z]*)(.*)", value, re.DOTALL).groups()  # type: ignore[union-attr]
    groups = re.sub(r"[^\d+]+", " ", number).strip()
    return " ".join(part for part in (groups, mark, extension.strip()) if part)
