"""The field's words: each is explained in `docs/glossary.md`, and `sync/` names nothing by the words they replaced."""

from __future__ import annotations

import re
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).parents[1]
GLOSSARY = (PROJECT / "docs/glossary.md").read_text(encoding="utf-8")

DESIGN = """contact; company; association; association label; owner; score property; account; contact person;
relationship; lead; employee; MQL; SAL; SQL; opportunity; scoring filter; customer segment; mirror; watermark; pending;
due; sweep; qualification; plan; external key; link; in flight; parked; handover"""
"""Words that users and operators meet."""

REPLACED = {
    "workspace": ["desk"],
    "batch": ["slice"],
    "round": ["wave"],
    "observed": ["seen", "theirs"],
    "lookup": ["Question", "Questions"],
    "lookup reader": ["Answers"],
    "snapshot": [],
    "dry run": ["imagine", "imagined", "imagining", "rehearsal", "rehearse", "offline"],
    "fingerprint": ["digest"],
    "merge base": ["agree", "agreed"],
    "tombstone check": ["existence"],
    "mass-deletion guard": ["disappear", "disappeared", "disappearance"],
    "notify": ["webhook", "told", "untold"],
    "merged (stale) parties": ["left behind"],
    "refetch queue": ["wish", "wishes", "strike"],
    "prefetch": ["ahead"],
    "label binding": ["pin", "pins", "pinned"],
    "fencing term": ["lease term"],
    "heartbeat": ["beat", "beats"],
    "validation failure": ["misfit", "misfits"],
    "country": ["land", "lands"],
    "": ["heed", "mend", "mended", "foretell", "foretold"],
}
"""The word to use → words that stood for it. A capital means a type; two words are looked for side by side.

A snapshot was called a target, which is now the port to C4C."""


@dataclass(frozen=True)
class Allowed:
    """An identifier that keeps such a word. `files`: the only files in which it may; everywhere if empty."""

    name: str
    why: str
    files: tuple[str, ...] = ()


EXCEPTIONS = [
    Allowed("digest", "what `approve` names: its argument and the JSON key; a column; and hashlib's own method"),
    Allowed("compare_digest", "hmac's own function"),
    Allowed(
        "theirs",
        "JSON key in the state's document of a second writer, and in `status --json`",
        ("documents.py", "second_writer.py", "uniqueness.py"),
    ),
    Allowed("misfit", "key of mapping.toml"),
    Allowed(
        "seen",
        "JSON key in what the state remembers of properties, and the first step of the funnel in `report --json`",
        ("documents.py", "readable.py", "schema_watch.py", "report.py"),
    ),
    Allowed("alert_webhook", "the setting SYNC_ALERT_WEBHOOK"),
    Allowed("offline", "the option `check --offline`, and what works without the remote systems: ordinary English"),
    Allowed("webhook", "what that setting names: an address that takes HTTP posts"),
    Allowed("_webhook", "the same"),
    Allowed("Webhook", "the same"),
    Allowed("WEBHOOK_FAILED", "an event that operators know"),
]


def words(name: str) -> list[str]:
    """`RefetchQueue`, `refetch_queue` and `REFETCH_QUEUE` are all `refetch`, `queue`."""
    return [part.lower() for part in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)]


def contains(name: str, old: str) -> bool:
    if old[0].isupper():
        return name == old
    sought, found = old.split(), words(name)
    return any(found[i : i + len(sought)] == sought for i in range(len(found)))


def identifiers() -> Iterator[tuple[str, str]]:
    """(file, name) of everything that `sync/` names, folders and files included."""
    for path in sorted((PROJECT / "sync").rglob("*.py")):
        place = str(path.relative_to(PROJECT))
        yield from ((place, part) for part in Path(place).with_suffix("").parts)
        with tokenize.open(path) as file:
            tokens = tokenize.generate_tokens(file.readline)
            yield from sorted({(place, token.string) for token in tokens if token.type == tokenize.NAME})


def offending(found: Iterable[tuple[str, str]], exceptions: Iterable[Allowed] = ()) -> list[str]:
    wrong = [
        (place, name, f"{old!r}, say {new!r}" if new else repr(old))
        for place, name in found
        for new, replaced in REPLACED.items()
        for old in replaced
        if contains(name, old) and not any(allows(one, place, name) for one in exceptions)
    ]
    return [f"{place}: {name} contains {advice}" for place, name, advice in wrong]


def allows(one: Allowed, place: str, name: str) -> bool:
    return name == one.name and (not one.files or Path(place).name in one.files)


def explained() -> set[str]:
    cells = re.findall(r"^\| ([^|]+) \| [^|]+ \|$", GLOSSARY, re.MULTILINE)
    return {word.strip("` ") for cell in cells for word in (cell, *cell.split(", "))}


def test_every_word_is_explained() -> None:
    wanted = {" ".join(word.split()) for word in DESIGN.split(";")} | set(REPLACED) - {""}
    assert wanted - explained() == set()


def test_explanations_are_sentences() -> None:
    meanings = re.findall(r"^\| (?!word|-)[^|]+ \| ([^|]+) \|$", GLOSSARY, re.MULTILINE)
    assert [text for text in meanings if not text.endswith(".") or len(text.split(". ")) > 3] == []


def test_nothing_is_named_by_a_replaced_word() -> None:
    found = offending(identifiers(), EXCEPTIONS)
    assert not found, "\n".join(found)


def test_every_exception_is_needed() -> None:
    found = list(identifiers())
    assert [one.name for one in EXCEPTIONS if not any(allows(one, *each) for each in found)] == []


def test_replaced_words_are_found_in_every_spelling() -> None:
    for name in ("desk", "_desk", "DeskView", "OPEN_DESK", "desk_of"):
        assert offending([("sync/x.py", name)]) == [f"sync/x.py: {name} contains 'desk', say 'workspace'"]
    assert (
        offending([("sync/x.py", name) for name in ("desktop", "helpdesk", "sliced", "answers", "merged_left")]) == []
    )
    assert offending([("sync/x.py", "left_behind")])
