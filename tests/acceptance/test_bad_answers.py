"""HubSpot answers 200 with what is no answer: a failure, and never "there is nothing"."""

from __future__ import annotations

from typing import Any

import pytest
from stage import Product
from warm import Warm
from world.sandbox import Sandbox

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def settled(sandbox: Sandbox, warm: Warm, tmp_path_factory: pytest.TempPathFactory) -> Product:
    """The program after a first run that went well."""
    sandbox.seed(contacts=60, companies=15, seed=4)
    product = Product(tmp_path_factory.mktemp("settled"), sandbox.environment(), warm=warm)
    product.run_well()
    return product


@pytest.mark.parametrize(
    ("action", "path", "skip"),
    [
        ("html", "contacts/search", 0),
        ("empty", "contacts/search", 0),
        ("empty", "contacts/search", 1),
        ("empty", "companies/search", 0),
        ("empty", "associations/.*/batch/read", 0),
        ("html", "owners", 0),
    ],
    ids=["page of contacts", "no contacts", "no scores", "no companies", "no associations", "page of owners"],
)
def test_an_answer_without_results_is_a_failure_and_not_nothing(
    sandbox: Sandbox, settled: Product, action: str, path: str, skip: int
) -> None:
    before = remembered(settled)
    fresh = sandbox.post("/hubspot/contacts", {"properties": {"lead_score": "50", "lastname": "Neu"}})["id"]
    fault = sandbox.fault("hubspot", action, path=path, skip=skip)
    ran = settled.run()
    assert sandbox.fired(fault) == 1
    assert ran.code == 3
    assert "HubSpot" in ran.sentences
    assert ran.document
    after = remembered(settled)
    assert after["codes"] | before["codes"] == after["codes"], "what was decided stands"
    if path == "contacts/search" and skip == 0:
        assert after["watermark"] == before["watermark"]
    settled.run_well()
    assert remembered(settled)["codes"] == before["codes"] | {fresh: "SCORE_BELOW_THRESHOLD"}


def remembered(product: Product) -> dict[str, Any]:
    return {
        "watermark": product.query("select * from watermark where stream = 'contacts'"),
        "codes": dict(product.query("select contact_id, code from progress where status in ('done', 'parked')")),
    }
