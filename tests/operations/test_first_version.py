"""A state file that the first version made: it migrates, and the work goes on where that version left it."""

import gzip
import json
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from night_stage import Product
from world.program import Ran
from world.sandbox import Sandbox

from sync.state.store import HEAD

KEPT = Path(__file__).parent / "first_version"
LINKS = "SELECT entity, key, object_id, origin FROM link"
STATES = {
    **dict.fromkeys(
        ("open", "survivor", "merged-other", "archived", "opted-out", "opted-out-later", "text-company"), "02"
    ),
    **dict.fromkeys(("renamed-pair", "below-later", "adopted"), "02"),
    "accepted": "03",
    "declined": "04",
    "converted": "05",
    "rearmed": "04",
    "second-cycle": "04",
    "unseen": "02",
}
"""Status of each contact's first lead. `locked` and `unsent` have none yet; sales deleted that of `deleted`."""


class Story:
    """The world as the first version left it, and the product of today with that version's state file."""

    def __init__(self, product: Product, sandbox: Sandbox) -> None:
        world = json.loads(gzip.decompress((KEPT / "world.json.gz").read_bytes()))
        self.names: dict[str, str] = world.pop("names")
        self.product, self.sandbox = product, sandbox
        sandbox.call("PUT", "/truth", world)
        sandbox.unlimited()
        product.state.touch(0o600)
        with closing(sqlite3.connect(product.state)) as connection:
            connection.executescript(gzip.decompress((KEPT / "state.sql.gz").read_bytes()).decode())

    def leads(self) -> dict[str, dict[str, Any]]:
        """By key."""
        rows = self.sandbox.rows("Lead")
        found = {row["HubSpotID_KUT"]: row for row in rows}
        assert len(found) == len(rows), "a key is there twice"
        return found

    def statuses(self) -> dict[str, str]:
        """The first leads that are there: name of the contact, status."""
        leads = self.leads()
        keys = {name: f"{contact}:mql:1" for name, contact in self.names.items()}
        return {name: leads[key]["UserStatusCode"] for name, key in keys.items() if key in leads}

    def pairs(self) -> set[tuple[str, ...]]:
        return set(self.product.query(LINKS))

    def work(self, *arguments: str) -> dict[str, Any]:
        ran = self.product.run(*(arguments or ("once", "--until-idle", "--json")))
        assert ran.code in (0, 4), ran.err[-2000:]
        return dict(ran.document["counts"])


@pytest.fixture
def story(product: Product, sandbox: Sandbox) -> Story:
    return Story(product, sandbox)


def test_the_file_holds_leads_in_every_state(story: Story) -> None:
    assert story.statuses() == STATES
    progress = Counter(status for (status,) in story.product.query("SELECT status FROM progress"))
    assert progress == {"done": 19, "parked": 1, "pending": 1, "in_flight": 2}


def test_the_work_goes_on_where_the_first_version_left_it(story: Story) -> None:
    """Neither a lost create nor a known record is made again: only what was missing comes, and keeps its pair."""
    before = story.pairs()
    migrated: Ran = story.product.run("migrate")
    assert migrated.code == 0, migrated.err
    assert f"brought from version 0001 to {HEAD}" in migrated.out
    assert story.pairs() == before

    counts = story.work()
    # The relationship leads to the account that a person named; the first version left the contact at the other one.
    assert counts["created"] == {"Lead": 3, "ContactIsContactPersonFor": 1}
    assert story.statuses() == {**STATES, "locked": "02", "unsent": "02"}
    leads = story.leads()
    assert leads[f"{story.names['rearmed']}:mql:2"]["UserStatusCode"] == "02", "its score rose after a declined lead"
    assert float(leads[f"{story.names['open']}:mql:1"]["HubSpotScore_KUT"]) == 97
    lost = [(entity, key.split(":")[0]) for entity, key, *_ in before - story.pairs()]
    assert lost == [("ContactIsContactPersonFor", story.names["renamed-pair"])]
    assert story.product.query("SELECT code FROM progress WHERE status != 'done'") == [("COMPANY_AMBIGUOUS",)]

    again = story.work()
    assert (again["created"], again["updated"]) == ({}, {})


@pytest.mark.long
def test_everything_read_again_changes_nothing_more(story: Story) -> None:
    """As after a resync of everything: what the first version linked is recognised, whatever its state."""
    assert story.product.run("migrate").code == 0
    story.work()
    pairs, leads = story.pairs(), story.sandbox.lead_keys()
    assert story.product.run("resync", "--everything", "--refetch", "--yes").code == 0
    counts = story.work()
    assert (counts["created"], counts["updated"]) == ({}, {})
    assert (story.pairs(), story.sandbox.lead_keys()) == (pairs, leads)
