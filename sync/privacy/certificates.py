"""The certificate of an erasure: what was removed where, when, why and at whose request, without personal data."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sync.domain.moments import iso
from sync.errors import StateError
from sync.state import tables
from sync.state.erasure import scrub
from sync.state.erasure.steps import OPEN
from sync.state.erasure.tombstones import directory

Certificate = dict[str, Any]

_SHOWN = ("entity", "object_id", "number", "result")


def certificate(erasure: tables.Erasure, state: Path, *, searched: bool = True) -> Certificate:
    """What has been done so far, and what is left to do. `searched`: all records in C4C have been looked for."""
    return {
        "contact_hash": erasure.contact_hash,
        "at": iso(erasure.finished_at or erasure.asked_at),
        "by": erasure.asked_by,
        "reason": erasure.reason,
        "removed": erasure.removed,
        "c4c": [{name: row[name] for name in _SHOWN} for row in erasure.records],
        "to_do": [*_here(erasure, searched), *_in_c4c(erasure.records), *_copies(state)],
    }


def _here(erasure: tables.Erasure, searched: bool) -> list[dict[str, Any]]:
    found = []
    if erasure.stage in ("begun", "purged"):
        found.append(_entry(f"the state file still holds traces of the person; {_AGAIN}"))
    if not searched:
        found.append(_entry(f"SAP Sales Cloud was out of reach, or writes are paused; {_AGAIN}"))
    return found


_AGAIN = "the worker tries again at each push, and so does this command"


def _in_c4c(records: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {name: row[name] for name in ("entity", "object_id", "number")}
        | {"text": row.get("text") or f"not cleared yet; {_AGAIN}"}
        for row in records
        if row["result"] in (OPEN, "refused")
    ]


def _copies(state: Path) -> list[dict[str, Any]]:
    """Copies that were made beside the state before now, and may hold the person."""
    text = "a copy from before the erasure; delete it, then give this command again"
    return [_entry(f"{name}: {text}") for name in scrub.older_copies(state)]


def _entry(text: str) -> dict[str, Any]:
    return {"entity": None, "object_id": None, "number": None, "text": text}


def write(document: Certificate, name: str, state: Path) -> Path:
    """Stores the certificate under its name, completely or not at all. Raises StateError."""
    target = directory(state) / f"{name}.json"
    part = target.with_suffix(".part")
    try:
        target.parent.mkdir(mode=0o700, exist_ok=True)
        with open(os.open(part, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
            json.dump(document, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, target)
    except OSError as error:
        raise StateError(
            f"{target}: the certificate cannot be written ({error.strerror}); check path and rights"
        ) from None
    return target


def path_of(name: str, state: Path) -> Path:
    return directory(state) / f"{name}.json"
