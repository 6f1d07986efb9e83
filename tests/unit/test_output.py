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


def test_no_value_steers_the_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one that an older version stored before values were cleaned."""
    monkeypatch.setattr(output, "out", output.console())
    hostile = "\x1b[31mred\x1b]0;title\x07 \u202edliz\u202c [bold]" + "N" * 65_536
    output.say(hostile)
    output.table("", ["name"], [[hostile], ["two\nlines"]])
    shown_ = capsys.readouterr().out
    assert not {"\x1b", "\x07", "\u202e", "\u202c"} & set(shown_)
    assert "[bold]" in shown_
    assert "two lines" in shown_
    assert max(map(len, shown_.splitlines()[1:])) < 1100, "a cell holds what a person reads"
