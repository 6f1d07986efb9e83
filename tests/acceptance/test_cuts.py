"""Lines that drop, before or after the effect, and systems that fail now and then: the same run still gets it right."""

from __future__ import annotations

import pytest
from stage import Product, Sandbox
from undisturbed import ASSOCIATIONS, SEARCH, Undisturbed, fill, undisturbed_run


@pytest.fixture(scope="module")
def undisturbed(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    return undisturbed_run(sandbox, Product(tmp_path_factory.mktemp("undisturbed"), sandbox.environment()))


@pytest.mark.parametrize(
    ("action", "entity"),
    [
        ("cut_after", "CorporateAccount"),
        ("truncate", "Contact"),
        ("cut_after", "ContactIsContactPersonFor"),
        ("cut_before", "Lead"),
        ("cut_after", "Lead"),
        ("truncate", "MarketingPermission"),
    ],
)
def test_a_write_without_an_answer_is_looked_up_and_not_repeated(
    sandbox: Sandbox, undisturbed: Undisturbed, forked: Product, action: str, entity: str
) -> None:
    fill(sandbox)
    fault = sandbox.fault("c4c", action, body=rf"POST {entity}Collection HTTP")
    assert forked.run().code == 4
    assert sandbox.fired(fault) == 1
    undisturbed.check(sandbox)


@pytest.mark.parametrize(
    ("action", "path"), [("cut_before", SEARCH), ("truncate", SEARCH), ("cut_after", ASSOCIATIONS)]
)
def test_a_read_without_an_answer_is_repeated(
    sandbox: Sandbox, undisturbed: Undisturbed, forked: Product, action: str, path: str
) -> None:
    fill(sandbox)
    fault = sandbox.fault("hubspot", action, path=path, times=2)
    assert forked.run().code == 4
    assert sandbox.fired(fault) == 2
    undisturbed.check(sandbox)


@pytest.mark.parametrize("seed", [1, 2])
def test_both_systems_fail_one_time_in_ten(
    sandbox: Sandbox, undisturbed: Undisturbed, forked: Product, seed: int
) -> None:
    fill(sandbox)
    for system in ("hubspot", "c4c"):
        sandbox.fault(system, "status", status=503, probability=0.1, times=None, seed=seed)
    ends = [forked.run().code for _ in range(2)]
    assert set(ends) <= {0, 3, 4}
    sandbox.delete("/faults")
    forked.run_well()
    undisturbed.check(sandbox)


def test_half_of_the_answers_to_writes_are_lost(sandbox: Sandbox, undisturbed: Undisturbed, forked: Product) -> None:
    """Nothing is lost and nothing twice, even if a run gives up and later ones must finish."""
    fill(sandbox)
    sandbox.fault("c4c", "cut_after", body=r"POST \w+Collection HTTP", probability=0.5, times=None, seed=3)
    assert {forked.run().code for _ in range(2)} <= {0, 3, 4}
    sandbox.delete("/faults")
    forked.run_well()
    undisturbed.check(sandbox)
