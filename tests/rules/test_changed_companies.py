"""What becomes of relationships when a contact's companies change: one push is enough."""

from __future__ import annotations

from rules_world import GOOD, PRIMARY, World, rules

from sync.domain.views import Label

OTHER = Label("HUBSPOT_DEFINED", 279)


def test_the_former_main_account_is_left_in_the_same_push() -> None:
    """Companies 2 and 3 are accounts already, so both relationships are made in one wave."""
    world = World()
    world.companies({n: {"name": f"Firma {n}"} for n in ("1", "2", "3")})
    world.contacts(rules(), dict.fromkeys(("11", "12", "13"), GOOD))
    world.associate({"11": [("1", PRIMARY)], "12": [("2", PRIMARY)], "13": [("3", PRIMARY)]})
    world.push(rules())
    world.c4c.log.clear()
    world.associate({"11": [("2", PRIMARY), ("2", OTHER), ("3", OTHER)]})
    world.push(rules())
    relations = [(action, body.get("AccountID")) for action, entity, body in world.c4c.log if "PersonFor" in entity]
    assert sorted(action for action, _ in relations) == ["create", "create", "delete"]
    world.c4c.log.clear()
    world.push(rules())
    assert world.c4c.log == []
