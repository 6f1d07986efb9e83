"""Made the two files beside it, once: the first version at work on its own sandbox, and what both systems then held.

It runs in a checkout of that version, commit 3ae92b6, with this directory as its argument. Nobody in it is a person:
the world is empty until this story fills it.
"""

from __future__ import annotations

import gzip
import json
import re
import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

sys.path[:0] = [".", "tests", "tests/acceptance"]

from stage import Product, Sandbox, Warm, running_sandbox  # noqa: E402 - of that checkout, by the line before

BASIS = "Legitimate interest – prospect/lead"
EACH_AT_ITS_OWN_COMPANY = (
    "open",
    "accepted",
    "declined",
    "converted",
    "rearmed",
    "second-cycle",
    "merged",
    "merged-other",
    "archived",
    "opted-out-later",
    "renamed-pair",
    "below-later",
    "deleted",
)


class Story:
    def __init__(self, box: Sandbox, product: Product) -> None:
        self.box, self.product, self.ids = box, product, dict[str, str]()

    def company(self, name: str) -> str:
        properties = {"name": f"Firm {name}", "domain": f"{name}.example"}
        return str(self.box.post("/hubspot/companies", {"properties": properties})["id"])

    def contact(self, name: str, *companies: str, primary: bool = True, **properties: str) -> None:
        ordinary = {"lastname": f"Contact {name}", "email": f"{name}@example.com", "lead_score": "90"}
        body = {"properties": {**ordinary, "hs_legal_basis": BASIS, **properties}}
        self.ids[name] = str(self.box.post("/hubspot/contacts", body)["id"])
        for place, company in enumerate(companies):
            labels = ["Primary"] if primary and place == 0 else []
            pair = {"contact_id": self.ids[name], "company_id": company, "labels": labels}
            self.box.put("/hubspot/associations", pair)

    def change(self, name: str, **properties: str) -> None:
        self.box.patch(f"/hubspot/contacts/{self.ids[name]}", {"properties": properties})

    def lead(self, name: str) -> str:
        [found] = [row for row in self.box.rows("Lead") if row["HubSpotID_KUT"] == f"{self.ids[name]}:mql:1"]
        return str(found["ObjectID"])

    def sales(self, name: str, *actions: str) -> None:
        for action in actions:
            self.box.post(f"/c4c/leads/{self.lead(name)}/{action}")

    def run(self, *arguments: str) -> None:
        ran = self.product.run(*arguments)
        assert ran.code in (0, 4), ran.err[-2000:]

    def company_of(self, name: str) -> str:
        query = "SELECT company_id FROM association WHERE contact_id = ?"
        return str(self.product.query(query, self.ids[name])[0][0])

    # ---- in this order

    def first_handover(self) -> None:
        for name in EACH_AT_ITS_OWN_COMPANY:
            self.contact(name, self.company(name))
        self.contact("opted-out", self.company("opted-out"), hs_email_optout="true")
        self.contact("text-company", company="Text Company")
        self.contact("low", self.company("low"), lead_score="40")
        self.contact("parked", self.company("parked-1"), self.company("parked-2"), primary=False)
        self.contact("no-last-name", self.company("no-last-name"), lastname="")
        self.run()

    def sales_at_work(self) -> None:
        self.sales("accepted", "qualify", "accept")
        self.sales("converted", "qualify", "convert")
        for name in ("declined", "rearmed", "second-cycle"):
            self.sales(name, "qualify", "decline")
        for name in ("rearmed", "second-cycle", "below-later"):
            self.change(name, lead_score="40")
        self.change("opted-out-later", hs_email_optout="true")
        self.run("resync", "--everything", "--yes")
        self.run()
        self.change("second-cycle", lead_score="91")
        self.run()

    def pairs(self) -> None:
        """A person names one; an account that sales had is adopted; contacts are merged and archived."""
        named = self.box.post("/c4c/CorporateAccount", {"Name": "Firm renamed north", "RoleCode": "CRM000"})
        self.run("links", "set", "CorporateAccount", self.company_of("renamed-pair"), named["ObjectID"])
        had = {"Name": "Firm adopted", "WebSite": "www.adopted.example", "RoleCode": "CRM000"}
        self.box.post("/c4c/CorporateAccount", had)
        self.contact("adopted", self.company("adopted"))
        self.run()
        both = {"primary": self.ids["merged"], "other": self.ids["merged-other"]}
        self.ids["survivor"] = str(self.box.post("/hubspot/contacts/merge", both)["id"])
        self.box.post(f"/hubspot/contacts/{self.ids['archived']}/archive")
        self.run("resync", "--everything", "--refetch", "--yes")
        self.run()

    def interrupted(self) -> None:
        """A lead that a lock keeps waiting; then two in one run that ends between their writes, before any answer."""
        self.contact("locked", self.company("locked"))
        lock = {"body": f"{self.ids['locked']}:mql:1", "method": "POST"}
        self.box.fault("c4c", "lock", times=None, **lock)
        self.run("once", "poll", "scores", "sweep", "push", "--json")
        self.box.call("DELETE", "/faults")
        for name in ("unseen", "unsent"):
            self.contact(name, self.company(name))
        worker = self.product.config / "worker.toml"
        one_by_one = re.sub(r"(?m)^(parallel|batch_operations) = \d+", r"\1 = 1", worker.read_text())
        worker.write_text(one_by_one)
        ran = self.product.prepared("once", "poll", "scores", "sweep", "push")
        unsent = {"body": f"{self.ids['unsent']}:mql:1", "method": "POST"}
        self.box.fault("c4c", "kill_before", pid=ran.pid, **unsent)
        assert ran.go().code == -9

    def not_read_yet(self) -> None:
        self.change("rearmed", lead_score="95")
        self.change("open", lead_score="97")
        self.box.call("DELETE", f"/c4c/Lead/{self.lead('deleted')}")


def sparse(value: Any) -> Any:
    """Without the fields that hold nothing, which a list of all fields shows too."""
    if isinstance(value, dict):
        return {name: sparse(inner) for name, inner in value.items() if inner not in (None, "", [])}
    return [sparse(inner) for inner in value] if isinstance(value, list) else value


def keep(text: str, path: Path) -> None:
    path.write_bytes(gzip.compress(text.encode(), mtime=0))


def main(directory: Path) -> None:
    with running_sandbox() as box, tempfile.TemporaryDirectory() as home:
        box.empty()
        box.post("/c4c/Employee", {"EmployeeID": "E1", "BusinessPartnerID": "8000000001", "Email": "sales@example.com"})
        warm = Warm(Path(home))
        story = Story(box, Product(Path(home) / "product", box.environment(), warm))
        story.first_handover()
        story.sales_at_work()
        story.pairs()
        story.interrupted()
        story.not_read_yet()
        warm.close()
        with closing(sqlite3.connect(story.product.state)) as state:
            keep("\n".join(state.iterdump()), directory / "state.sql.gz")
        world = {"names": story.ids, **sparse(box.truth())}
        keep(json.dumps(world, ensure_ascii=False), directory / "world.json.gz")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
