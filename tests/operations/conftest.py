"""The sandbox, emptied for each test, a fresh product for each test."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from night_stage import Product
from world.program import Ran
from world.sandbox import Sandbox

from sync import log
from sync.cli import main

Command = Callable[..., Ran]


@pytest.fixture(autouse=True)
def own_log() -> Iterator[None]:
    """A command sends the log to its own standard error, which is gone afterwards."""
    yield
    log.configure("json", "ERROR", sys.__stderr__)


@pytest.fixture
def sandbox(announcement: dict[str, str]) -> Sandbox:
    found = Sandbox(announcement)
    found.reset()
    return found


@pytest.fixture
def product(tmp_path: Path, sandbox: Sandbox) -> Product:
    return Product(tmp_path, sandbox.environment())


@pytest.fixture
def command(product: Product, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Command:
    """Runs a command of the program within this process: the same entry, without the time that a start takes."""

    def run(*arguments: str) -> Ran:
        for name, value in product.variables().items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["hubspot-c4c-sync", *arguments])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capfd.readouterr()
        return Ran(int(ended.value.code or 0), out, err)

    return run
