"""All at once: many contacts on one millisecond, a lagging index, edits during the run, and a line that breaks."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from portal import Portal, Sync, rules

from sync.hubspot_client import HubSpotClient
from sync.transport import RequestRetry

Build = Callable[..., Sync]

CONTACTS, SHARED, COMPANIES = 25_000, 12_000, 500
LAG = 90

WEATHER: tuple[dict[str, Any], ...] = (
    {"action": "status", "status": 429, "headers": {"Retry-After": "1"}},
    {"action": "status", "status": 503},
    {"action": "status", "status": 502},
    {"action": "cut_before"},
    {"action": "cut_after"},
    {"action": "truncate"},
)


class Marketing:
    """Edits contacts, labels, scores and companies: once with every request of the poller."""

    def __init__(self, portal: Portal, truth: dict[str, Any]) -> None:
        self.portal = Portal(portal.announced)
        self.contacts = [row["id"] for row in truth["contacts"]]
        self.pairs = [(row["contact_id"], row["company_id"]) for row in truth["associations"]]
        self.companies = [row["id"] for row in truth["companies"]]
        self.chance = random.Random(7)
        self.edits = 0

    def follow(self, client: HubSpotClient) -> None:
        """From now on every request is followed by an edit."""
        send = client._calls._send

        def sent(*args: Any) -> Any:
            answer = send(*args)
            self.edit()
            return answer

        client._calls._send = sent  # type: ignore[method-assign]

    def edit(self) -> None:
        self.edits += 1
        self.portal.change("contacts", self.chance.choice(self.contacts), jobtitle=f"Edit {self.edits}")
        if self.edits % 5 == 0:
            self.portal.change("companies", self.chance.choice(self.companies), city=f"City {self.edits}")
            self.portal.associate(*self.chance.choice(self.pairs), "Primary")
        if self.edits % 7 == 0:
            score = str(self.chance.randrange(100))
            self.portal.change("contacts", self.chance.choice(self.contacts), touch=False, lead_score=score)


@pytest.mark.long
def test_after_the_storm_the_mirror_is_the_truth(portal: Portal, sync: Build) -> None:
    assert storm(portal, sync, CONTACTS, COMPANIES, SHARED, chance=0.02) > 100


def storm(portal: Portal, sync: Build, contacts: int, companies: int, shared: int, chance: float) -> int:
    """A first load in bad weather, compared with the truth; the number of edits, one after each request."""
    portal.seed(contacts, companies, bulk=shared)
    portal.settings(index_lag_seconds=LAG)
    for n, weather in enumerate(WEATHER):
        portal.fault(**weather, times=None, probability=chance, seed=n)
    configuration = rules(index_lag_seconds=120)
    product = sync(configuration=configuration, options={"retry": RequestRetry(2, 0.001)}, log_level="WARNING")
    marketing = Marketing(portal, portal.portal())
    marketing.follow(product.client)
    interruptions = 0
    while product.run("poll").failures:
        interruptions += 1
        product.restart()
        marketing.follow(product.client)
    assert portal.fired() > 10
    assert interruptions > 0, "the storm was none"
    product.restart()
    # What was edited last has to reach the index, and a day to pass for the labels of everybody.
    portal.advance(25 * 3600)
    for job in ("poll", "scores", "sweep"):
        while product.run(job).failures:
            product.restart()
    compare(portal, product)
    return marketing.edits


def compare(portal: Portal, product: Sync) -> None:
    truth = portal.portal()
    names = product.configuration.rules.contact_properties()
    expected = {row["id"]: {n: row["properties"].get(n) for n in names} for row in truth["contacts"]}
    mirrored = product.contacts()
    # A score below the threshold that moved no timestamp is seen when it matters: when it crosses.
    for row in (*expected.values(), *mirrored.values()):
        if float(row["lead_score"] or 0) < 75:
            row["lead_score"] = "below"
    assert mirrored == expected
    pairs = {(a["contact_id"], a["company_id"], t["typeId"]) for a in truth["associations"] for t in a["types"]}
    assert product.pairs() == pairs
    wanted = product.configuration.rules.company_properties()
    companies = {row["id"]: {n: row["properties"].get(n) for n in wanted} for row in truth["companies"]}
    assert product.companies() == companies
