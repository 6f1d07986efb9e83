"""What the log tells of one contact's push."""

import io
import json

import structlog
from rules_world import GOOD, PRIMARY, World, rules

from sync.log import configure


def test_what_was_written_for_somebody_who_does_not_qualify_stands_in_the_event() -> None:
    world = World()
    world.companies({"7": {"name": "Firma 7"}})
    world.contacts(rules(), {"123": GOOD})
    world.associate({"123": [("7", PRIMARY)]})
    world.push(rules())
    events = []
    for properties in ({"lead_score": "10"}, {"lead_score": "10", "hs_email_optout": "true"}):
        stream = io.StringIO()
        configure(stream=stream)
        world.contacts(rules(), {"123": {**GOOD, **properties}})
        world.push(rules())
        events += [json.loads(line) for line in stream.getvalue().splitlines()]
    structlog.reset_defaults()
    told = [(e["code"], e["counts"]) for e in events if e["event"] == "contact_not_qualified"]
    assert told == [
        ("SCORE_BELOW_THRESHOLD", {"update Lead": 1}),
        ("SCORE_BELOW_THRESHOLD", {"create MarketingPermission": 1}),
    ]
