"""The page as people start it: the command beside a worker or without one, and the worker that serves it."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable

import pytest
import requests
from night_stage import Product, Ran, Sandbox, free_port
from running import TIMEOUT, until

Command = Callable[..., Ran]
TOKEN = "correct-horse-battery"


def test_the_command_prints_its_address_first_and_ends_with_the_signal(product: Product) -> None:
    assert product.run("migrate").code == 0
    with product.started("page", "--port", "0") as page:
        assert page.process.stdout is not None
        address = page.process.stdout.readline().strip()
        assert requests.get(address, timeout=TIMEOUT).status_code == 200
        page.process.send_signal(signal.SIGINT)
        assert page.ended() == 130


def test_an_address_that_others_reach_needs_a_token(command: Command, product: Product) -> None:
    for arguments in (("--host", "0.0.0.0"), ("--host", "::")):
        refused = command("page", *arguments)
        assert refused.code == 2
        assert "SYNC_PAGE_TOKEN" in refused.err
        assert "127.0.0.1" in refused.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--port", "page"), "--port: found 'page'"),
        (("--port", "70000"), "--port: found '70000'"),
        (("--host", "evil"), "--host: found 'evil'"),
        ((), "there is no state file yet"),
    ],
)
def test_wrong_use_is_explained(command: Command, arguments: tuple[str, ...], said: str) -> None:
    refused = command("page", *arguments)
    assert (refused.code, refused.out) == (2, "")
    assert said in refused.err


def test_a_port_that_is_taken_is_explained(command: Command, product: Product) -> None:
    assert command("migrate").code == 0
    with socket.create_server(("127.0.0.1", 0)) as taken:
        refused = command("page", "--port", str(taken.getsockname()[1]))
    assert refused.code == 2
    assert "SYNC_PAGE_PORT: 127.0.0.1 port" in refused.err


def test_a_worker_serves_the_page_and_keeps_the_token_to_itself(product: Product, sandbox: Sandbox) -> None:
    port = free_port()
    product.extra |= {"SYNC_PAGE_PORT": str(port), "SYNC_PAGE_HOST": "0.0.0.0", "SYNC_PAGE_TOKEN": TOKEN}
    with product.started("run") as worker:
        worker.until("job_finished", job="push")
        url = f"http://127.0.0.1:{port}/"
        assert requests.get(url, timeout=TIMEOUT).status_code == 401
        assert requests.get(url, auth=("anybody", "wrong"), timeout=TIMEOUT).status_code == 401
        shown = requests.get(url, auth=("anybody", TOKEN), timeout=TIMEOUT)
        assert shown.status_code == 200
        assert "At work: worker" in shown.text
        worker.until("page_refused")
        searched = requests.post(f"{url}search", {"text": "zebra-needle"}, auth=("anybody", TOKEN), timeout=TIMEOUT)
        assert "Nobody is found" in searched.text
        worker.process.send_signal(signal.SIGTERM)
        assert worker.ended() == 143
        said = "".join(worker.lines) + worker.errors()
    assert TOKEN not in said
    assert "zebra-needle" not in said


@pytest.mark.long
def test_the_demo_keeps_a_worker_running_and_serves_its_page(product: Product) -> None:
    product.extra["SYNC_PAGE_PORT"] = str(free_port())
    with product.started("demo", "--page") as demo:
        assert demo.process.stdout is not None
        address = next(line.strip() for line in demo.process.stdout if line.startswith("http://"))
        until(lambda: "At work: worker" in requests.get(address, timeout=TIMEOUT).text, "the worker")
        assert "contacts need a person" in requests.get(address, timeout=TIMEOUT).text
        demo.process.send_signal(signal.SIGTERM)
        assert demo.ended() == 143
