"""What becomes of a pair: what is known of a record stays with it, and what a person named stays."""

from __future__ import annotations

import pytest

from sync.domain.link import Named, after, named_meanwhile
from sync.domain.views import Link, Origin

KNOWN = Link("CorporateAccount", "200", "A1", {"Name": "Muster"}, origin="created", observed={"theirs": {"Phone": "1"}})


def test_sharing_a_record_keeps_what_is_known_of_it() -> None:
    shared = after("CorporateAccount", "200", KNOWN, Named("A1", shared=True))
    assert (shared.origin, shared.sent, shared.observed) == ("shared", KNOWN.sent, KNOWN.observed)
    own = after("CorporateAccount", "200", shared, Named("A1"))
    assert (own.origin, own.sent, own.observed) == ("set", KNOWN.sent, KNOWN.observed)


@pytest.mark.parametrize(("origin", "kept"), [("set", True), ("shared", True), ("created", False), ("adopted", False)])
def test_only_what_a_person_named_since_is_kept(origin: Origin, kept: bool) -> None:
    stored = Link("CorporateAccount", "200", "A2", {}, origin=origin)
    assert named_meanwhile(stored, KNOWN) is kept
    assert named_meanwhile(stored, stored) is False
