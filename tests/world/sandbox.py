"""The sandbox as a process of its own, and its control port: what a test does in both systems, and what it sees."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import requests
from running import PROJECT, TIMEOUT, until

BASIS = "Legitimate interest – prospect/lead"
QUALIFIES = {"lastname": "Sommer", "lead_score": "82", "hs_legal_basis": BASIS}
"""A contact that is handed over by the shipped rules, once it has a company."""

Row = dict[str, Any]


def unkept() -> requests.Session:
    """A session that keeps no connection open.

    A server closes a kept connection after some seconds; a request that it meets just then is lost, and neither a test
    nor the control port can tell whether it had an effect.
    """
    session = requests.Session()
    session.headers["Connection"] = "close"
    return session


@contextmanager
def announced(*options: str) -> Iterator[dict[str, str]]:
    """An empty sandbox as long as the context lasts: what it announces when it is ready."""
    command = [sys.executable, "-m", "sandbox", "--empty", "--die-with-parent", *options]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()
            process.wait(TIMEOUT)


class Sandbox:
    """The running sandbox: its addresses and credentials, and the control port as methods.

    `offset`: how far its clock is ahead of the real one, in seconds.
    """

    def __init__(self, announced: Mapping[str, str]) -> None:
        self.announced = dict(announced)
        self.hubspot, self.c4c, self.control = announced["hubspot"], announced["c4c"], announced["control"]
        self.token, self.username, self.password = announced["token"], announced["username"], announced["password"]
        self.offset = 0.0
        self._session = unkept()

    def environment(self) -> dict[str, str]:
        """The settings that lead the product here."""
        return {
            "HUBSPOT_BASE_URL": self.hubspot,
            "HUBSPOT_ACCESS_TOKEN": self.token,
            "C4C_BASE_URL": self.c4c,
            "C4C_USERNAME": self.username,
            "C4C_PASSWORD": self.password,
        }

    def call(self, method: str, path: str, body: Any = None, **params: str) -> Any:
        response = self._session.request(method, self.control + path, json=body, params=params, timeout=TIMEOUT)
        assert response.ok, f"{method} {path}: {response.status_code} {response.text}"
        return response.json()

    def get(self, path: str, **params: str) -> Any:
        return self.call("GET", path, **params)

    def post(self, path: str, body: Any = None) -> Any:
        return self.call("POST", path, body)

    def patch(self, path: str, body: Any) -> Any:
        return self.call("PATCH", path, body)

    def put(self, path: str, body: Any) -> Any:
        return self.call("PUT", path, body)

    def delete(self, path: str, body: Any = None) -> Any:
        return self.call("DELETE", path, body)

    # ---- the world as a whole

    def reset(self) -> None:
        """An empty world, without the rate limits that would only cost time."""
        self.post("/reset")
        self.offset = 0.0
        self.unlimited()

    def seed(self, contacts: int, companies: int, seed: int = 1, **more: int) -> None:
        """A believable world, likewise."""
        self.post("/seed", {"contacts": contacts, "companies": companies, "seed": seed, **more})
        self.unlimited()

    def unlimited(self) -> None:
        self.patch("/hubspot/settings", {"rate_limits": False})

    def advance(self, seconds: float) -> None:
        self.post("/clock", {"advance_seconds": seconds})
        self.offset += seconds

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.offset)

    def fault(self, system: str, action: str, **more: Any) -> int:
        return int(self.post("/faults", {"system": system, "action": action, **more})["id"])

    def fired(self, fault: int | None = None) -> int:
        """How often this fault struck, or all of them."""
        return sum(int(one["fired"]) for one in self.get("/faults") if fault in (None, one["id"]))

    def until_fired(self, fault: int) -> None:
        """Returns as soon as the fault has struck."""
        until(lambda: self.fired(fault), "a request that the fault meets")

    def heal(self) -> None:
        self.delete("/faults")

    # ---- marketing

    def made(self, kind: str, properties: Mapping[str, Any]) -> str:
        return str(self.post(f"/hubspot/{kind}", {"properties": dict(properties)})["id"])

    def company(self, name: str = "Bakery North", **properties: str) -> str:
        return self.made("companies", {"name": name, "domain": f"{name.split()[0].lower()}.example", **properties})

    def contact(self, *companies: str, **properties: str) -> str:
        """A contact that qualifies, unless the properties say otherwise; the first company is the primary one."""
        contact = self.made("contacts", {**QUALIFIES, **properties})
        for place, company in enumerate(companies):
            self.associate(contact, company, *(["Primary"] if place == 0 else []))
        return contact

    def update(self, kind: str, record: str, *, touch: bool = True, **properties: Any) -> None:
        self.patch(f"/hubspot/{kind}/{record}", {"properties": properties, "touch": touch})

    def associate(self, contact: str, company: str, *labels: str) -> None:
        self.put("/hubspot/associations", {"contact_id": contact, "company_id": company, "labels": list(labels)})

    def separate(self, contact: str, company: str) -> None:
        self.delete("/hubspot/associations", {"contact_id": contact, "company_id": company})

    # ---- sales

    def sales_create(self, entity: str, **fields: Any) -> Row:
        return dict(self.post(f"/c4c/{entity}", fields))

    def sales_edit(self, entity: str, object_id: str, **fields: Any) -> None:
        self.patch(f"/c4c/{entity}/{object_id}", fields)

    def sales_delete(self, entity: str, object_id: str) -> None:
        self.delete(f"/c4c/{entity}/{object_id}")

    # ---- what is there, and what was asked

    def truth(self) -> dict[str, Any]:
        """Both systems as they are, whatever their APIs would show."""
        return dict(self.get("/truth"))

    def portal(self) -> dict[str, Any]:
        return dict(self.get("/truth", system="hubspot")["hubspot"])

    def tables(self, *entities: str) -> dict[str, list[Row]]:
        return dict(self.get("/truth", system="c4c", entities=",".join(entities))["c4c"])

    def rows(self, entity: str) -> list[Row]:
        return self.tables(entity)[entity]

    def row(self, entity: str, **fields: Any) -> Row:
        """The only row with these values."""
        found = [r for r in self.rows(entity) if all(r.get(name) == value for name, value in fields.items())]
        assert len(found) == 1, f"{len(found)} rows of {entity} with {fields}"
        return found[0]

    def lead_keys(self) -> list[str]:
        return sorted(row["HubSpotID_KUT"] for row in self.rows("Lead") if row.get("HubSpotID_KUT"))

    def counts(self, system: str = "c4c") -> dict[str, Any]:
        return dict(self.get("/requests")[system])

    def reset_counts(self) -> None:
        self.delete("/requests")

    def writes(self) -> dict[str, dict[str, int]]:
        """C4C's writes that took effect since the counts were reset."""
        operations = self.counts()["operations"]
        return {kind: operations[kind] for kind in ("create", "update", "delete")}

    def written(self) -> int:
        """How many."""
        return sum(sum(by_entity.values()) for by_entity in self.writes().values())
