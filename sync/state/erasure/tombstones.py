"""Tombstones: keyed hashes of erased persons in `erased/tombstones.csv` beside the state, with the table as a cache.

The file outlives the state: after a loss or a restore of the state it says who must not come back. Lines are only
appended, each synced to the disk before the erasure goes on. A line that a crash cut off is ignored.
"""

import csv
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import cast

from sqlalchemy import delete
from sqlmodel import Session, col, select

from sync.domain.erasing import Kind, fingerprint, marks
from sync.errors import ConfigurationError, StateError
from sync.state import tables
from sync.state.pending import among, portions

HEADER = ("at", "event", "erasure", "kind", "digest")
_KEY, _ERASED, _LIFTED = "key", "erased", "lifted"


def directory(state: Path) -> Path:
    """Where tombstones and certificates are kept."""
    return state.parent / "erased"


@dataclass(frozen=True, slots=True)
class Tombstone:
    digest: str
    kind: Kind
    erasure: str
    at: datetime


@dataclass(slots=True)
class Tombstones:
    """The tombstones beside one state file. Without a key nobody can be erased or recognised."""

    path: Path
    key: str | None = None
    _read: tuple[int, int] | None = field(default=None, repr=False)
    """Time and size of the file as it was last taken into the table."""

    @classmethod
    def beside(cls, state: Path, key: str | None) -> "Tombstones":
        return cls(directory(state) / "tombstones.csv", key)

    @classmethod
    def without_key(cls) -> "Tombstones":
        """Those of a program that cannot erase anybody."""
        return cls(Path(os.devnull))

    def verify(self) -> None:
        """Raises ConfigurationError if the file needs another key than the given one, or any; StateError if it cannot
        be read.
        """
        if self.path.is_file():
            self._lines()

    def marks(self, contact_ids: Iterable[str], addresses: Iterable[str] = ()) -> dict[str, Kind]:
        """The hashes of these ids and addresses; none without a key."""
        return marks(self.key, contact_ids, addresses) if self.key else {}

    def of_contact(self, contact_id: str) -> str:
        """The hash of a contact's id. Raises ConfigurationError without a key."""
        return fingerprint(self.demand_key(), "contact", contact_id)

    def demand_key(self) -> str:
        if not self.key:
            raise ConfigurationError(
                [
                    "SYNC_ERASURE_KEY is missing: set it, or SYNC_ERASURE_KEY_FILE to a file that holds it (a random "
                    "text of 32 characters or more, such as `openssl rand -hex 32` prints; keep it as long as the "
                    "tombstones)"
                ]
            )
        return self.key

    # ---- the file

    def add(self, session: Session, found: Iterable[Tombstone]) -> None:
        """Appends tombstones to the file, then to the table. Those that are in force already are left out."""
        new = [one for one in found if session.get(tables.Tombstone, one.digest) is None]
        self._append([(_ERASED, one) for one in new])
        for one in new:
            session.add(_row(one))

    def lift(self, session: Session, erasure_ids: Sequence[str], at: datetime) -> int:
        """Takes back the tombstones of these erasures; returns how many."""
        of = select(tables.Tombstone).where(col(tables.Tombstone.erasure).in_(erasure_ids))
        rows = list(session.exec(of))
        self._append([(_LIFTED, Tombstone(r.digest, cast(Kind, r.kind), r.erasure, at)) for r in rows])
        for row in rows:
            session.delete(row)
        return len(rows)

    def _append(self, lines: Sequence[tuple[str, Tombstone]]) -> None:
        if not lines:
            return
        key = self.demand_key()
        try:
            self.path.parent.mkdir(mode=0o700, exist_ok=True)
            fresh = not self.path.exists()
            descriptor = os.open(self.path, os.O_CREAT | os.O_APPEND | os.O_RDWR, 0o600)
            with open(descriptor, "r+", encoding="ascii", newline="") as file:
                writer = csv.writer(file, lineterminator="\n")
                if fresh or not os.fstat(descriptor).st_size:
                    writer.writerow(HEADER)
                    writer.writerow((lines[0][1].at.isoformat(), _KEY, "", "key", fingerprint(key, "key", "check")))
                elif os.pread(descriptor, 1, os.fstat(descriptor).st_size - 1) != b"\n":
                    file.write("\n")
                writer.writerows((one.at.isoformat(), event, one.erasure, one.kind, one.digest) for event, one in lines)
                file.flush()
                os.fsync(descriptor)
            _sync_directory(self.path.parent)
        except OSError as error:
            raise StateError(
                f"{self.path}: cannot be written ({error.strerror}); nobody is erased without it"
            ) from None

    def _lines(self) -> list[tuple[str, Tombstone]]:
        """What the file says, in its order. Raises ConfigurationError if it was written with another key."""
        try:
            with open(self.path, encoding="ascii", errors="replace", newline="") as file:
                # Each line stands alone: a damaged one with a quotation mark must not take in those after it.
                rows = list(csv.reader(file, quoting=csv.QUOTE_NONE))
        except FileNotFoundError:
            return []
        except csv.Error as error:
            raise StateError(
                f"{self.path}: is damaged ({error}); restore it from a backup, since erased persons would come back "
                "without it"
            ) from None
        except OSError as error:
            raise StateError(f"{self.path}: cannot be read ({error.strerror}); check path and rights") from None
        checks = [row[4] for row in rows if len(row) == len(HEADER) and row[1] == _KEY]
        if checks and fingerprint(self.demand_key(), "key", "check") not in checks:
            raise ConfigurationError(
                [f"SYNC_ERASURE_KEY: is not the key that {self.path} was written with; set that one again"]
            )
        return [line for row in rows if (line := _line(row))]

    def take_in(self, session: Session) -> set[str]:
        """Brings the table in line with the file, and returns the hashes that are new to the table.

        A file that was lost is written again from the table."""
        in_force, lifted = _in_force(self._lines())
        rows = {row.digest: row for row in session.exec(select(tables.Tombstone))}
        session.exec(delete(tables.Tombstone).where(col(tables.Tombstone.digest).in_(lifted - in_force.keys())))
        new = in_force.keys() - rows.keys()
        session.add_all(_row(in_force[digest]) for digest in sorted(new))
        lost = [_of_row(row) for digest, row in rows.items() if digest not in in_force.keys() | lifted]
        self._append([(_ERASED, one) for one in lost])
        return set(new)

    def is_taken_in(self, stamp: tuple[int, int] | None) -> bool:
        """Whether the file is the one that the table was last brought in line with."""
        return stamp is not None and stamp == self._read

    def note(self, stamp: tuple[int, int] | None) -> None:
        """Notes, once the table is committed, that it is in line with this file."""
        self._read = stamp

    def stamp(self) -> tuple[int, int] | None:
        """Time and size of the file; None if there is none."""
        try:
            found = os.stat(self.path)
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size


def _in_force(lines: Iterable[tuple[str, Tombstone]]) -> tuple[dict[str, Tombstone], set[str]]:
    """The tombstones in force by hash, and the hashes that were ever lifted."""
    found: dict[str, Tombstone] = {}
    lifted: set[str] = set()
    for event, one in lines:
        if event == _LIFTED:
            found.pop(one.digest, None)
            lifted.add(one.digest)
        else:
            found[one.digest] = one
    return found, lifted


def _line(row: Sequence[str]) -> tuple[str, Tombstone] | None:
    if len(row) != len(HEADER) or row[1] not in (_ERASED, _LIFTED) or row[3] not in ("contact", "email"):
        return None
    try:
        at = datetime.fromisoformat(row[0])
        complete = len(bytes.fromhex(row[4])) == 32
    except ValueError:
        return None
    return (row[1], Tombstone(row[4], cast(Kind, row[3]), row[2], at)) if complete else None


def _row(one: Tombstone) -> tables.Tombstone:
    return tables.Tombstone(digest=one.digest, kind=one.kind, erasure=one.erasure, erased_at=one.at)


def _of_row(row: tables.Tombstone) -> Tombstone:
    assert row.erased_at is not None
    return Tombstone(row.digest, cast(Kind, row.kind), row.erasure, row.erased_at)


def _sync_directory(path: Path) -> None:
    """Makes the entry of a new file survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# ---- the table


def any_in_force(session: Session) -> bool:
    return session.exec(select(tables.Tombstone.digest).limit(1)).first() is not None


def erased_before(session: Session, digests: Iterable[str]) -> Mapping[str, tables.Tombstone]:
    """Those of the hashes that are in force, by hash."""
    found: dict[str, tables.Tombstone] = {}
    for part in portions(digests):
        rows = session.exec(select(tables.Tombstone).where(among(tables.Tombstone.digest, part)))
        found |= {row.digest: row for row in rows}
    return found
