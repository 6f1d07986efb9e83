"""The drill of docs/operations.md on the root file system of an image: `make drill ROOT=… [BEFORE=…]`.

Install, upgrade, rotate a password, back up, destroy, restore, roll back; with the sandbox as both systems. ROOT is the
unpacked image, BEFORE that of the version before; without it the upgrade is one to the same version.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import requests

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "operations"))

from drill.container import USER, Container, Worker, inside
from night_stage import free_port
from running import PROJECT, TIMEOUT, until
from world.sandbox import Sandbox, announced

WORKER = """
[schedule]
poll = "1s"
push = "1s"
scores = "5s"
sweep = "5s"
jitter = "0s"
[hubspot]
index_lag_seconds = 0
[c4c]
settle_seconds = 0
"""

STATE = ("state.db", "state.db-wal", "state.db-shm", ".state.db-litestream")


class Drill:
    """One installation, from its first day to its way back."""

    def __init__(self, root: Path, before: Path | None, home: Path, sandbox: Sandbox) -> None:
        self.home, self.sandbox, self.before = home, sandbox, before
        self.port = free_port()
        self.new = Container(root, home, self._environment())
        self.old = Container(before or root, home, self._environment())
        self.expected = 0

    def _environment(self) -> dict[str, str]:
        access = self.sandbox.announced
        return {
            "HUBSPOT_BASE_URL": access["hubspot"],
            "C4C_BASE_URL": access["c4c"],
            "HUBSPOT_ACCESS_TOKEN_FILE": "/run/secrets/hubspot_access_token",
            "C4C_USERNAME_FILE": "/run/secrets/c4c_username",
            "C4C_PASSWORD_FILE": "/run/secrets/c4c_password",
            "SYNC_METRICS_PORT": str(self.port),
        }

    # ---- what the steps are made of

    def secret(self, name: str, value: str) -> None:
        file = self.home / "secrets" / name
        file.unlink(missing_ok=True)
        file.write_text(value, encoding="utf-8")
        os.chown(file, USER, USER)
        file.chmod(0o400)

    def arrives(self, number: int) -> None:
        company = self.sandbox.company(f"firm-{self.expected}")
        for _ in range(number):
            self.sandbox.contact(company)
        self.expected += number

    def handed_over(self) -> None:
        """All who arrived have their lead, each once."""
        until(lambda: len(self.sandbox.lead_keys()) >= self.expected, f"{self.expected} leads")
        keys = self.sandbox.lead_keys()
        assert len(keys) == len(set(keys)) == self.expected, keys

    def said(self, text: str) -> bool:
        return text in (self.home / "worker.log").read_text(encoding="utf-8")

    def ready(self) -> None:
        def answers() -> bool:
            try:
                return requests.get(f"http://127.0.0.1:{self.port}/readyz", timeout=TIMEOUT).status_code == 200
            except requests.ConnectionError:
                return False

        until(answers, "the worker's readiness")

    def cycle(self, container: Container) -> None:
        """Until nothing waits: what was put back is read and adopted."""
        until(lambda: json.loads(container.run("status", "--json").out)["pending"] == 0, "an empty backlog")

    def put_back(self, container: Container, copy: bytes) -> None:
        """As docs/operations.md has it."""
        assert container.shell("sh", "-c", inside(STATE)).code == 0
        assert container.shell("sh", "-c", "umask 077 && cat > /data/state.db", given=copy).code == 0
        assert container.run("migrate").code == 0

    def restricted(self, worker: Worker) -> None:
        status = worker.status()
        assert status["Uid"].split() == [str(USER)] * 4, status["Uid"]
        assert {status[name] for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb")} == {"0" * 16}
        assert status["NoNewPrivs"] == "1"

    # ---- the steps

    def install(self) -> str:
        """An empty volume; the old version hands over who is there."""
        self.arrives(3)
        for line in (["migrate"], ["check"]):
            ran = self.old.run(*line)
            assert ran.code == 0, ran.err
        with self.old.worker() as worker:
            self.ready()
            self.restricted(worker)
            self.handed_over()
            self.cycle(self.old)
            health = self.old.run("health")
            assert (health.code, health.out) == (0, b"healthy\n"), health
            memory = int(worker.status()["VmHWM"].split()[0]) // 1024
            assert worker.stop() == 143
        refused = self.new.shell("sh", "-c", "touch /app/x")
        assert "Read-only file system" in refused.err
        return f"{self.expected} leads; user {USER}, no capabilities, read-only root; peak memory {memory} MB"

    def upgrade(self) -> str:
        """Copy, stop, migrate with the new image, start."""
        earlier = self.home / "before-upgrade.db"
        with self.old.worker() as worker:
            self.ready()
            assert self.old.run("backup", "/data/before-upgrade.db").code == 0
            copied = self.old.shell("cat", "/data/before-upgrade.db")
            earlier.write_bytes(copied.out)
            assert worker.stop() == 143
        migrated = self.new.run("migrate")
        assert migrated.code == 0, migrated.err
        newer = version(self.home / "data/state.db")
        made = self.home / f"data/state.db.before-{newer}"
        assert made.exists() == (newer != version(earlier)), "a copy of its own"
        self.arrives(2)
        with self.new.worker() as worker:
            self.ready()
            self.handed_over()
            assert self.new.run("check").code == 0
            assert worker.stop() == 143
        return f"state {version(earlier)} → {newer}; {self.expected} leads"

    def rotate(self) -> str:
        """A password that SAP does not know is named; the right one is taken without a restart."""
        right = self.sandbox.announced["password"]
        with self.new.worker() as worker:
            self.ready()
            self.secret("c4c_password", "not-yet-valid")
            named = self.new.run("check")
            assert named.code in (2, 3), named
            assert "C4C_PASSWORD" in named.err + named.out.decode()
            self.arrives(1)
            until(lambda: self.said("C4C_PASSWORD"), "the refused password in the log")
            self.secret("c4c_password", right)
            self.handed_over()
            assert self.new.run("check").code == 0
            assert worker.stop() == 143
        return f"a wrong password is named (exit {named.code}), the right one taken at once; {self.expected} leads"

    def back_up(self) -> str:
        """A copy by standard output while the worker works; a place that is read-only is a sentence."""
        with self.new.worker() as worker:
            self.ready()
            made = self.new.run("backup", "-")
            assert made.code == 0, made.err
            nowhere = self.new.run("backup", "/app/state.db")
            assert worker.stop() == 143
        assert (nowhere.code, "Read-only file system" in nowhere.err) == (2, True), nowhere
        copy = self.home / "copy.db"
        copy.write_bytes(made.out)
        with closing(sqlite3.connect(copy)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return f"{len(made.out)} bytes by standard output"

    def destroy(self) -> str:
        """More work, then the worker is killed in the middle and the volume is gone."""
        self.arrives(2)
        with self.new.worker() as worker:
            self.ready()
            self.handed_over()
            worker.stop(signal.SIGKILL)
        shutil.rmtree(self.home / "data")
        volume(self.home / "data")
        return f"{self.expected} leads; killed, and the volume emptied"

    def restore(self) -> str:
        """The copy comes back: what was handed over since is known again, nothing is created twice."""
        self.put_back(self.new, (self.home / "copy.db").read_bytes())
        self.arrives(1)
        with self.new.worker() as worker:
            self.ready()
            self.handed_over()
            self.cycle(self.new)
            assert worker.stop() == 143
        verified = self.new.run("verify")
        assert verified.code == 0, verified.out.decode() + verified.err
        return f"{self.expected} leads, each once; verify: exit 0"

    def roll_back(self) -> str:
        """The old version refuses the newer state, takes its own copy, and creates nothing twice."""
        said = "the same version"
        if self.before and version(self.home / "before-upgrade.db") != version(self.home / "data/state.db"):
            refused = self.old.run("status")
            assert refused.code == 2, refused
            said = "the old version refuses the newer state (exit 2)"
        self.put_back(self.old, (self.home / "before-upgrade.db").read_bytes())
        self.arrives(1)
        with self.old.worker() as worker:
            self.ready()
            self.handed_over()
            self.cycle(self.old)
            assert worker.stop() == 143
        verified = self.old.run("verify")
        assert verified.code == 0, verified.out.decode() + verified.err
        return f"{said}; {self.expected} leads, each once; verify: exit 0"

    def steps(self) -> list[Callable[[], str]]:
        return [self.install, self.upgrade, self.rotate, self.back_up, self.destroy, self.restore, self.roll_back]


def version(state: Path) -> str:
    with closing(sqlite3.connect(f"file:{state}?mode=ro", uri=True)) as connection:
        return str(connection.execute("SELECT version_num FROM alembic_version").fetchone()[0])


def volume(directory: Path) -> None:
    directory.mkdir()
    os.chown(directory, USER, USER)


def prepare(home: Path, drill: Drill) -> None:
    home.chmod(0o755)
    volume(home / "data")
    (home / "secrets").mkdir()
    shutil.copytree(PROJECT / "config", home / "config")
    (home / "config/worker.toml").write_text(WORKER, encoding="utf-8")
    access = drill.sandbox.announced
    for name, value in (
        ("hubspot_access_token", access["token"]),
        ("c4c_username", access["username"]),
        ("c4c_password", access["password"]),
    ):
        drill.secret(name, value)


def run(drill: Drill) -> None:
    for step in drill.steps():
        began = time.monotonic()
        print(f"{step.__name__:10}", end=" ", flush=True)
        print(f"{step()}; {time.monotonic() - began:.0f} s", flush=True)


def main() -> int:
    if os.geteuid() != 0 or len(sys.argv) < 2:
        print("the drill needs root and the root file system of an image: make drill ROOT=… (docs/image.md)")
        return 2
    root, before = Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None
    with tempfile.TemporaryDirectory(prefix="drill-") as directory, announced() as access:
        drill = Drill(root, before, Path(directory), Sandbox(access))
        drill.sandbox.reset()
        prepare(Path(directory), drill)
        log = Path(directory) / "worker.log"
        try:
            run(drill)
        except BaseException:
            print(
                f"FAILED; the worker said at last:\n{log.read_text(encoding='utf-8')[-2000:] if log.exists() else ''}"
            )
            raise
    return 0


if __name__ == "__main__":
    sys.exit(main())
