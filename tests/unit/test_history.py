"""Histories of properties as HubSpot sends them, also odd ones."""

from datetime import UTC, datetime

import pytest

from sync.hubspot.answers import Version, history

NOON = "2026-11-21T12:00:00.000Z"
AT_NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def row(*versions: object) -> dict[str, object]:
    return {"id": "7", "propertiesWithHistory": {"hs_legal_basis": list(versions)}}


def of(**more: object) -> dict[str, object]:
    return {"value": "Consent", "timestamp": NOON, "sourceType": "FORM", **more}


def test_versions_come_newest_first_whatever_their_order() -> None:
    older = of(timestamp="2026-11-20T12:00:00.000Z", value="")
    assert history(row(older, of())) == (
        "7",
        {
            "hs_legal_basis": (
                Version("Consent", AT_NOON, "FORM"),
                Version("", datetime(2026, 11, 20, 12, tzinfo=UTC), "FORM"),
            )
        },
    )


@pytest.mark.parametrize(
    ("version", "source"),
    [
        (of(sourceId="5f0c"), "FORM 5f0c"),
        (of(sourceId=4711001), "FORM 4711001"),
        (of(sourceId="ada@mail.example"), "FORM"),
        (of(sourceId="+49 30 1234567"), "FORM"),
        (of(sourceType=None), "UNKNOWN"),
    ],
)
def test_a_source_names_no_person(version: dict[str, object], source: str) -> None:
    found = history(row(version))
    assert found is not None
    [shown] = found[1]["hs_legal_basis"]
    assert shown.source == source


@pytest.mark.parametrize("odd", ["text", 7, None, {}, of(timestamp="yesterday"), of(timestamp=None), of(value=["x"])])
def test_an_odd_version_is_left_out(odd: object) -> None:
    assert history(row(odd, of())) == ("7", {"hs_legal_basis": (Version("Consent", AT_NOON, "FORM"),)})


@pytest.mark.parametrize("odd", [None, "7", {}, {"id": "x"}])
def test_a_row_without_an_id_is_none(odd: object) -> None:
    assert history(odd) is None


@pytest.mark.parametrize("odd", [None, [], "x", {"hs_legal_basis": "x"}])
def test_a_row_without_versions_has_none(odd: object) -> None:
    assert history({"id": "7", "propertiesWithHistory": odd}) == ("7", {})
