"""`health` asks the worker's own port first; what it says is what the worker says."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from sync.cli import probe
from sync.environment import Environment
from sync.worker import server


@contextmanager
def answering(status: int, body: bytes, host: str = "127.0.0.1") -> Iterator[Environment]:
    answer: Callable[[], server.Answer] = lambda: (status, "application/json", body)  # noqa: E731
    served = server._server(host, 0, {"/healthz": answer})
    threading.Thread(target=served.serve_forever, daemon=True).start()
    try:
        yield Environment({"SYNC_METRICS_PORT": str(served.server_port), "SYNC_METRICS_HOST": host})
    finally:
        served.shutdown()
        served.server_close()


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_a_worker_that_is_well(host: str, capsys: pytest.CaptureFixture[str]) -> None:
    with answering(200, json.dumps({"alive": True, "problem": None}).encode(), host) as environment:
        assert probe.is_answered(environment) == 0
    assert capsys.readouterr() == ("healthy\n", "")


def test_a_worker_that_is_stuck_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    with answering(503, json.dumps({"alive": False, "problem": "the loop has not turned"}).encode()) as environment:
        assert probe.is_answered(environment) == 1
    assert capsys.readouterr() == ("", "unhealthy: the loop has not turned\n")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b"null"])
def test_something_else_on_the_port_is_not_believed(body: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    with answering(200, body) as environment:
        assert probe.is_answered(environment) is None
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("variables", [{}, {"SYNC_METRICS_PORT": "1"}, {"SYNC_METRICS_PORT": "metrics"}])
def test_without_a_port_or_an_answer_the_state_is_looked_at(variables: dict[str, str]) -> None:
    assert probe.is_answered(Environment(variables)) is None
