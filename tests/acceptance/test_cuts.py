"""Lines that drop, before or after the effect, and systems that fail now and then: the same run still gets it right."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from lanes import Lane, side_by_side
from undisturbed import ASSOCIATIONS, SEARCH, Undisturbed, fill

pytestmark = pytest.mark.long


def write_without_an_answer(action: str, entity: str, lane: Lane) -> None:
    """It is looked up and not repeated."""
    fault = lane.sandbox.fault("c4c", action, body=rf"POST {entity}Collection HTTP")
    assert lane.product().run().code == 4
    assert lane.sandbox.fired(fault) == 1


def read_without_an_answer(action: str, path: str, lane: Lane) -> None:
    """It is repeated."""
    fault = lane.sandbox.fault("hubspot", action, path=path, times=2)
    assert lane.product().run().code == 4
    assert lane.sandbox.fired(fault) == 2


def both_fail_one_time_in_ten(seed: int, lane: Lane) -> None:
    for system in ("hubspot", "c4c"):
        lane.sandbox.fault(system, "status", status=503, probability=0.1, times=None, seed=seed)
    _two_runs_and_one_in_peace(lane)


def half_of_the_answers_to_writes_are_lost(seed: int, lane: Lane) -> None:
    lane.sandbox.fault("c4c", "cut_after", body=r"POST \w+Collection HTTP", probability=0.5, times=None, seed=seed)
    _two_runs_and_one_in_peace(lane)


def _two_runs_and_one_in_peace(lane: Lane) -> None:
    """A run may give up; nothing is lost and nothing twice, and the last one finishes."""
    product = lane.product()
    assert {product.run().code for _ in range(2)} <= {0, 3, 4}
    lane.sandbox.delete("/faults")
    product.run_well()


CASES: dict[str, Callable[[Lane], None]] = {
    "an account, cut after": partial(write_without_an_answer, "cut_after", "CorporateAccount"),
    "a contact, truncated": partial(write_without_an_answer, "truncate", "Contact"),
    "a relationship, cut after": partial(write_without_an_answer, "cut_after", "ContactIsContactPersonFor"),
    "a lead, cut before": partial(write_without_an_answer, "cut_before", "Lead"),
    "a lead, cut after": partial(write_without_an_answer, "cut_after", "Lead"),
    "a lead, answered by a page": partial(write_without_an_answer, "html", "Lead"),
    "a permission set, truncated": partial(write_without_an_answer, "truncate", "MarketingPermission"),
    "a search, cut before": partial(read_without_an_answer, "cut_before", SEARCH),
    "a search, truncated": partial(read_without_an_answer, "truncate", SEARCH),
    "associations, cut after": partial(read_without_an_answer, "cut_after", ASSOCIATIONS),
    "one in ten requests fails": partial(both_fail_one_time_in_ten, 1),
    "one in ten other requests fails": partial(both_fail_one_time_in_ten, 2),
    "half of the answers are lost": partial(half_of_the_answers_to_writes_are_lost, 3),
    "half of other answers are lost": partial(half_of_the_answers_to_writes_are_lost, 4),
}
SHORT = {"an account, cut after", "a lead, cut after", "associations, cut after", "half of the answers are lost"}
"""Cases of `make test`; all others: `make test-long`."""


@pytest.fixture(scope="module")
def ends(request: pytest.FixtureRequest, lanes: list[Lane], undisturbed: Undisturbed) -> dict[str, Exception]:
    """What went wrong in the cases asked for."""
    asked = {item.callspec.params.get("case") for item in request.session.items if hasattr(item, "callspec")}
    cases = {name: partial(checked, undisturbed, CASES[name]) for name in CASES if name in asked}
    return side_by_side(cases, lanes)


def checked(undisturbed: Undisturbed, case: Callable[[Lane], None], lane: Lane) -> None:
    fill(lane.sandbox)
    case(lane)
    undisturbed.check(lane.sandbox)


@pytest.mark.parametrize("case", [n if n in SHORT else pytest.param(n, marks=pytest.mark.long) for n in CASES])
def test_what_was_cut_off_ends_as_if_nothing_had_been(ends: dict[str, Exception], case: str) -> None:
    if case in ends:
        raise ends[case]
