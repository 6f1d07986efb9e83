"""Credentials refused in one of several requests of a round: what the others created stays ours."""

from __future__ import annotations

import pytest
from c4c_world import World

from sync.errors import Denied
from sync.state import tables


@pytest.mark.parametrize("status", [401, 403])
def test_what_another_request_created_is_linked_as_created(world: World, status: int) -> None:
    # One after the other, so that the order is certain; the port's own tests send them side by side.
    world.replace_rule("worker", "[c4c]", "[c4c]\nbatch_operations = 1\nparallel = 1")
    for name in ("North", "South"):
        world.control.contact(world.control.company(f"{name} Bakery"), lastname=name)
    world.control.fault("status", status=status, body="(?s)POST CorporateAccountCollection.*South Bakery")
    failures = world.once(until_idle=False).failures
    assert [type(failure) for failure in failures] == [Denied]
    [made] = world.control.rows("CorporateAccount")
    [link] = [link for link in world.table(tables.Link) if link.entity == "CorporateAccount" and link.object_id]
    assert (link.object_id, link.origin) == (made["ObjectID"], "created")
    world.sync()
    assert {link.origin for link in world.table(tables.Link)} == {"created"}
    assert len(world.control.rows("Lead")) == 2
