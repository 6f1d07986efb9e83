"""An exception while rows of HubSpot are stored: it concerns its own row, and is a bug of ours on many."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from portal import Portal, Sync
from test_odd_rows import mql, watermark

from sync.domain.views import ASSOCIATIONS
from sync.mirror import association_rows, crossings, loading

Build = Callable[..., Sync]


def breaks(patch: pytest.MonkeyPatch, module: Any, name: str, when: Callable[..., bool]) -> None:
    """From now on the function raises where `when` holds."""
    working = getattr(module, name)

    def breaking(*arguments: Any) -> Any:
        if when(*arguments):
            raise KeyError("Mustermann")
        return working(*arguments)

    patch.setattr(module, name, breaking)


def is_odd(_: Any, properties: Any) -> bool:
    return str(properties.get("jobtitle")).startswith("odd")


@pytest.mark.parametrize("job", ["poll", "scores"])
def test_one_contact_that_cannot_be_stored_is_unreadable_and_the_others_go_on(
    portal: Portal, sync: Build, monkeypatch: pytest.MonkeyPatch, job: str
) -> None:
    company = portal.company()
    contacts = [mql(portal, company, jobtitle=title) for title in ("CEO", "odd", "CTO")]
    product = sync()
    breaks(monkeypatch, crossings, "level", is_odd)
    product.good(job)
    with product.store.reading() as session:
        views = loading.views(session, contacts)
    assert [bool(views[i].unreadable) for i in contacts] == [False, True, False]
    assert [(e["contact"], "KeyError at " in e["cause"]) for e in product.events("row_unreadable")] == [
        (contacts[1], True)
    ]
    assert "Mustermann" not in str(product.events("row_unreadable"))
    product.good("poll", "sweep", "push")
    assert len(portal.leads()) == 2
    monkeypatch.undo()
    portal.advance(10)
    product.good("poll", "push")
    assert len(portal.leads()) == 3, "the row is read again, and now it can be stored"


def test_the_same_exception_on_many_rows_is_a_bug_and_the_watermark_stays(
    portal: Portal, sync: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    company = portal.company()
    product = sync()
    product.good("poll")
    before = watermark(product)
    portal.advance(120)
    for n in range(10):
        mql(portal, company, jobtitle=f"odd {n}")
    breaks(monkeypatch, crossings, "level", is_odd)
    failures = product.run("poll").failures
    assert [type(failure).__name__ for failure in failures] == ["Defect"]
    assert "on 10 contacts" in str(failures[0])
    assert watermark(product) == before


def test_associations_that_cannot_be_stored_are_unreadable_and_the_others_go_on(
    portal: Portal, sync: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, odd = portal.company(), portal.company(name="Odd")
    contacts = [mql(portal, company) for company in (good, odd)]
    product = sync()
    breaks(monkeypatch, association_rows, "association_change", lambda _, now: any(c == odd for c, _ in now))
    product.good("poll", "push")
    with product.store.reading() as session:
        views = loading.views(session, contacts)
    assert [views[i].unreadable for i in contacts] == [frozenset(), {ASSOCIATIONS}]
    assert len(portal.leads()) == 1
