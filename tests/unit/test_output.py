"""Tables for people: whole values in a file or a pipe, folded ones only where somebody said how wide."""

import pytest

from sync.cli import output

URLS = [f"https://{letter * 57}.example/" for letter in "ab"]


def shown(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(output, "out", output.console())
    output.table("changes", ["field", "from", "to"], [["WebSite", *URLS]])
    return capsys.readouterr().out.splitlines()


def test_where_nobody_watches_no_value_is_folded(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    lines = shown(capsys, monkeypatch)
    assert [line.split() for line in lines if "WebSite" in line] == [["WebSite", "│", URLS[0], "│", URLS[1]]]
    assert max(map(len, lines)) < 200, "as wide as its cells, no wider"


def test_columns_say_how_wide_it_may_be(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    assert max(map(len, shown(capsys, monkeypatch))) <= 60
