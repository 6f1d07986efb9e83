"""What a run leaves behind that nothing disturbed: what every disturbed one is measured by."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from likeness import likeness
from stage import Product, duplicates
from truth import World, expected
from world.sandbox import Sandbox

SEARCH, ASSOCIATIONS, OWNERS, BATCH = "/search$", "associations/.*/batch/read$", "/owners/", r"\$batch$"


@dataclass(frozen=True)
class Undisturbed:
    """C4C after a run that nothing disturbed, and how many $batch requests that took."""

    likeness: dict[str, list[str]]
    batches: int

    def check(self, sandbox: Sandbox) -> None:
        """The sandbox holds the same, and nothing twice."""
        truth = sandbox.truth()
        assert duplicates(truth["c4c"]) == []
        found = likeness(truth)
        for entity, rows in self.likeness.items():
            assert found[entity] == rows, entity


def fill(sandbox: Sandbox) -> None:
    """A small world with opt-outs, a lead without account, records to adopt, and people of two companies."""
    sandbox.seed(contacts=120, companies=30, seed=26)
    leads = [lead for lead in expected(World(sandbox.truth())).leads.values() if lead.company]
    for lead, other in pairwise(leads[:4]):
        pair = {"contact_id": lead.person.id, "company_id": other.company.id if other.company else ""}
        sandbox.put("/hubspot/associations", {**pair, "labels": ["Billing"]})


def undisturbed_run(sandbox: Sandbox, product: Product) -> Undisturbed:
    fill(sandbox)
    sandbox.delete("/requests")
    product.run_well()
    by = sandbox.get("/requests")["c4c"]["by"]
    batches = next(number for request, number in by.items() if request.endswith("$batch"))
    return Undisturbed(likeness(sandbox.truth()), batches)
