"""The image's root file system as a container engine would run it: read-only, without capabilities, as user 10001.

Needs root and the programs of util-linux; no container engine.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from running import PROJECT

USER = 10001
DOCKERFILE = (PROJECT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")

INSIDE = """
set -eu
mount --make-rprivate /
mount --bind "$ROOT" "$ROOT" && mount -o remount,bind,ro "$ROOT"
mount -t proc proc "$ROOT/proc"
mount -t tmpfs -o size=16m,mode=1777 tmpfs "$ROOT/tmp"
mount -t tmpfs tmpfs "$ROOT/run" && mkdir "$ROOT/run/secrets"
mount --bind "$HOME_OF/secrets" "$ROOT/run/secrets" && mount -o remount,bind,ro "$ROOT/run/secrets"
mount --bind "$HOME_OF/config" "$ROOT/app/config" && mount -o remount,bind,ro "$ROOT/app/config"
mount --bind "$HOME_OF/data" "$ROOT/data"
mount --bind /dev/null "$ROOT/dev/null" 2>/dev/null || true
exec chroot "$ROOT" /usr/bin/setpriv --reuid=10001 --regid=10001 --clear-groups --bounding-set=-all \\
  --inh-caps=-all --ambient-caps=-all --no-new-privs env -i "$@"
"""
"""Mounts of a namespace of its own, which end with the process."""


def image_environment() -> dict[str, str]:
    """What the Dockerfile sets in the final image."""
    [found] = re.findall(r"^ENV (PATH=.*)", DOCKERFILE, re.MULTILINE)
    pairs = dict(word.split("=", 1) for word in shlex.split(found))
    return pairs | {"PATH": pairs["PATH"].replace("$PATH", "/usr/local/bin:/usr/bin:/bin")}


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    out: bytes
    err: str


@dataclass
class Container:
    """One image on one volume. `home` holds `data`, `config` and `secrets`."""

    root: Path
    home: Path
    environment: Mapping[str, str]

    def command(self, *arguments: str) -> list[str]:
        pairs = image_environment() | dict(self.environment)
        given = [f"{name}={value}" for name, value in pairs.items()]
        return [
            "unshare",
            "--mount",
            "--pid",
            "--ipc",
            "--fork",
            "--kill-child",
            "sh",
            "-c",
            INSIDE,
            "sh",
            *given,
            *arguments,
        ]

    def _outside(self) -> dict[str, str]:
        return {**os.environ, "ROOT": str(self.root), "HOME_OF": str(self.home)}

    def run(self, *arguments: str, given: bytes = b"") -> Ran:
        """Runs a command of the program to its end."""
        return self.shell("hubspot-c4c-sync", *arguments, given=given)

    def shell(self, *arguments: str, given: bytes = b"") -> Ran:
        done = subprocess.run(
            self.command(*arguments), input=given, capture_output=True, env=self._outside(), check=False
        )
        return Ran(done.returncode, done.stdout, done.stderr.decode())

    @contextmanager
    def worker(self) -> Iterator[Worker]:
        """The worker in the background; killed at the end if it still runs."""
        with open(self.home / "worker.log", "ab") as log:
            process = subprocess.Popen(
                self.command("hubspot-c4c-sync", "run"), stdout=log, stderr=log, env=self._outside()
            )
            try:
                yield Worker(process)
            finally:
                process.kill()
                process.wait()


@dataclass
class Worker:
    """The process that made the namespaces, and the worker as its child."""

    process: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        """The worker's own, as the host knows it."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text(encoding="utf-8")
        return int(children.split()[0])

    def status(self) -> dict[str, str]:
        """Its rights and its memory, as the kernel has them."""
        lines = Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8").splitlines()
        return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        os.kill(self.pid, number)
        return self.process.wait()


def inside(names: Sequence[str]) -> str:
    """A shell line that removes these from the volume."""
    return "rm -rf " + " ".join(f"/data/{name}" for name in names)
