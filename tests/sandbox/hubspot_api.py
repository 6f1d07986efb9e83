"""Calls on the HubSpot half as a naive client would make them: one function per verb, no retries."""

from __future__ import annotations

from typing import Any

import requests
from running import TIMEOUT
from world.sandbox import unkept

CONTACTS = "/crm/objects/2026-09/contacts"
COMPANIES = "/crm/objects/2026-09/companies"
LINKS = "/crm/associations/2026-09/contacts/companies/batch/read"


class HubSpotApi:
    def __init__(self, base_url: str, token: str) -> None:
        self.base_url = base_url
        self.session = unkept()
        self.session.headers["Authorization"] = f"Bearer {token}"

    def get(self, path: str, **params: Any) -> requests.Response:
        return self.session.get(self.base_url + path, params=params, timeout=TIMEOUT, allow_redirects=False)

    def post(self, path: str, body: Any) -> requests.Response:
        return self.session.post(self.base_url + path, json=body, timeout=TIMEOUT)

    def search(self, *filters: dict[str, Any], path: str = CONTACTS, **rest: Any) -> requests.Response:
        body = {"filterGroups": [{"filters": list(filters)}] if filters else [], **rest}
        return self.post(f"{path}/search", body)

    def ids(self, *filters: dict[str, Any], path: str = CONTACTS, **rest: Any) -> list[str]:
        response = self.search(*filters, path=path, limit=200, **rest)
        assert response.status_code == 200, response.text
        return [row["id"] for row in response.json()["results"]]


def where(name: str, operator: str, value: Any = None, high: Any = None, values: Any = None) -> dict[str, Any]:
    given = {"propertyName": name, "operator": operator, "value": value, "highValue": high, "values": values}
    return {key: content for key, content in given.items() if content is not None}
