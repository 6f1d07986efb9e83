"""Secrets that are read again when their file changes, and that are not sent repeatedly after refusals."""

import os
import threading
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path

from sync import log
from sync.log import Event, emit

REFUSALS = 3
"""How often in a row the same password may be refused. One refusal may be an accident; SAP locks a user after a few."""


def usable(value: str) -> bool:
    """Whether an HTTP header can hold this value."""
    return all(character.isprintable() and ord(character) < 256 for character in value)


def file_fingerprint(path: Path) -> Hashable:
    """A value that changes when the file is written, replaced or touched; None while it cannot be accessed."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size


class Secret:
    """The value of a secret setting. It is read anew when its file changes. Safe for several threads.

    While the file is missing, empty or unusable, the former value stays: the file is probably being replaced."""

    def __init__(self, value: str, setting: str = "", path: Path | None = None, *, concealed: bool = True) -> None:
        self._value, self._setting, self._path, self._concealed = value, setting, path, concealed
        self._read_at = file_fingerprint(path) if path else None
        self.version = 0
        """Grows with each change of the file, including a mere `touch`, by which a person asks for another try."""

    def __repr__(self) -> str:
        return "Secret(…)"

    @property
    def value(self) -> str:
        self.refresh()
        return self._value

    def refresh(self) -> int:
        """Looks at the file; returns the version that is in force."""
        now = file_fingerprint(self._path) if self._path else None
        if now is not None and now != self._read_at and self._read():
            self._read_at = now
            self.version += 1
            emit(Event.CREDENTIALS_READ, field=self._setting)
        return self.version

    def reread(self) -> None:
        """Reads the file whatever its date, because the value was refused. A different value gets a new version."""
        before = self._value
        if self._path and self._read() and self._value != before:
            self._read_at = file_fingerprint(self._path)
            self.version += 1
            emit(Event.CREDENTIALS_READ, field=self._setting)

    def _read(self) -> bool:
        try:
            value = self._path.read_text(encoding="utf-8").strip() if self._path else ""
        except (OSError, UnicodeDecodeError):
            return False
        if not value or not usable(value):
            return False
        self._value = value
        self.conceal()
        return True

    def conceal(self) -> None:
        """Has the value left out of everything that is printed; except a user's name, which is short and part of other
        words.
        """
        if self._concealed:
            log.conceal(self._value)


def secret(value: "Secret | str") -> Secret:
    """A secret that is given as a plain text never changes."""
    return value if isinstance(value, Secret) else Secret(value)


@dataclass(frozen=True)
class Password:
    """A user with a password."""

    username: Secret
    password: Secret

    @classmethod
    def of(cls, username: str, password: str) -> "Password":
        """A password from plain texts, which never change."""
        return cls(Secret(username, concealed=False), Secret(password))

    def conceal(self) -> None:
        """Has the password left out of everything that is printed."""
        self.password.conceal()

    def version(self) -> Hashable:
        return self.username.refresh(), self.password.refresh()

    def reread(self) -> None:
        self.username.reread()
        self.password.reread()


class Gate:
    """Blocks credentials that were refused `REFUSALS` times in a row, until they change. Safe for several threads.

    A job begins with a single request, so several are refused at once only if the password changes during a job."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._refused: Hashable = None
        self._times = 0

    def closed(self, version: Hashable) -> bool:
        return self._refused == version and self._times >= REFUSALS

    def note(self, version: Hashable, *, refused: bool) -> None:
        """Notes whether a request's credentials were refused."""
        with self._lock:
            self._times = self._times + 1 if refused and self._refused == version else int(refused)
            self._refused = version if refused else None
