"""The copy of the state: to a file, to standard output, and what a worker does that finds a copy in its place."""

import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from night_stage import Product
from running import TIMEOUT
from world.program import Ran
from world.sandbox import Sandbox

pytestmark = pytest.mark.long

Command = Callable[..., Ran]

READ_ONLY = 'mount -t tmpfs -o ro tmpfs "$0" && exec "$@"'


@pytest.fixture
def known(product: Product, command: Command, sandbox: Sandbox) -> Product:
    """A state with one contact handed over."""
    sandbox.contact(sandbox.company("Bakery"))
    assert command("once", "--until-idle").code == 0
    return product


def piped(product: Product) -> "subprocess.Popen[bytes]":
    command = [sys.executable, *product.program, "backup", "-"]
    return subprocess.Popen(
        command, cwd=product.home, env=product.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def test_a_copy_comes_by_standard_output(known: Product) -> None:
    out, err = piped(known).communicate(timeout=TIMEOUT)
    assert err.decode() == f"-: {len(out)} bytes\n", "what people read is elsewhere"
    copy = known.home / "copy.db"
    copy.write_bytes(out)
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("SELECT count(*) FROM handover").fetchone() == (1,)
    assert not list(known.home.glob(".state.db-*")), "nothing is left beside the state"


def test_a_reader_that_leaves_makes_the_copy_fail(known: Product) -> None:
    process = piped(known)
    assert process.stdout is not None
    process.stdout.close()
    _, err = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 2
    assert b"standard output: the copy was cut off" in err


def test_a_terminal_is_no_place_for_a_copy(known: Product) -> None:
    ours, theirs = os.openpty()
    command = [sys.executable, *known.program, "backup", "-"]
    done = subprocess.run(
        command, cwd=known.home, env=known.environment(), stdout=theirs, stderr=subprocess.PIPE, check=False
    )
    os.close(theirs)
    os.close(ours)
    assert done.returncode == 2
    assert b"> FILE" in done.stderr


def test_a_place_that_cannot_be_written_is_a_sentence(known: Product, tmp_path: Path) -> None:
    """A root file system that is read-only refuses even to remove what is not there."""
    place = tmp_path / "read-only"
    place.mkdir()
    mounted = ["unshare", "--mount", "sh", "-c", READ_ONLY, str(place)]
    if subprocess.run([*mounted, "true"], capture_output=True, check=False).returncode:
        pytest.skip("needs root, to mount a file system")
    command = [*mounted, sys.executable, *known.program, "backup", str(place / "copy.db")]
    done = subprocess.run(command, cwd=known.home, env=known.environment(), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "copy.db: cannot be written (Read-only file system); name a file on the volume" in done.stderr
    assert "bug" not in done.stderr


def put_back(product: Product, copy: Path) -> None:
    """As docs/operations.md has it."""
    for leftover in product.home.glob("state.db*"):
        leftover.unlink()
    product.state.write_bytes(copy.read_bytes())
    product.state.chmod(0o600)


def parked(product: Product) -> list[str]:
    return [row[0] for row in product.query("select contact_id from progress where status = 'parked'")]


@pytest.fixture
def since(product: Product, command: Command, sandbox: Sandbox) -> str:
    """A contact that was parked when `copy.db` was made, and handed over since, without a change in HubSpot."""
    sandbox.fault("c4c", "status", status=400, body="POST LeadCollection", times=None)
    contact = str(sandbox.contact(sandbox.company("Bakery")))
    assert command("once", "--until-idle").code == 4
    assert parked(product) == [contact]
    assert command("backup", str(product.home / "copy.db")).code == 0
    sandbox.heal()
    assert command("parked", "retry", contact).code == 0
    assert command("once", "--until-idle").code == 0
    assert parked(product) == []
    return contact


def test_what_was_handed_over_since_the_copy_is_released_by_the_first_cycle(
    product: Product, command: Command, sandbox: Sandbox, since: str
) -> None:
    put_back(product, product.home / "copy.db")
    assert parked(product) == [since]
    ran = command("once")
    assert ran.code == 0
    assert parked(product) == []
    assert '"kind": "restored"' in ran.err
    assert sandbox.lead_keys() == [f"{since}:mql:1"]
    assert command("verify").code == 0


def test_a_lead_that_sales_copied_with_our_key_in_it_stops_nothing(
    product: Product, command: Command, sandbox: Sandbox, since: str
) -> None:
    sandbox.post("/c4c/Lead", {"Name": "A copy", "HubSpotID_KUT": f"{since}:mql:1 copy"})
    put_back(product, product.home / "copy.db")
    assert command("once").code == 0
    assert parked(product) == []


def test_it_is_looked_for_once(product: Product, command: Command, sandbox: Sandbox, since: str) -> None:
    """Whoever is parked in the copy, and was not handed over since, stays so, and is asked for no second time."""
    other = str(sandbox.contact(sandbox.company("Mill")))
    sandbox.fault("c4c", "status", status=400, body="POST LeadCollection", times=None)
    assert command("once", "--until-idle").code == 4
    copy = product.home / "second.db"
    assert command("backup", str(copy)).code == 0
    put_back(product, copy)
    for _ in range(2):
        assert '"restored"' not in command("once", "push").err
    assert parked(product) == [other]
    [[known]] = product.query("select value from remembered where name = 'state file'")
    here = product.state.stat()
    assert known == f"{here.st_dev} {here.st_ino}"
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("select * from remembered where name = 'state file'").fetchall() == []


def test_a_copy_to_a_file_is_private(known: Product, command: Command) -> None:
    copy = known.home / "copy.db"
    ran = command("backup", str(copy))
    assert (ran.code, ran.out) == (0, f"{copy}: {copy.stat().st_size} bytes\n")
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
