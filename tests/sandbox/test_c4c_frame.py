"""The process around both stand-ins: how it starts and ends, what the control port resets and counts."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest
import requests
from conftest import PROJECT, Sandbox
from running import TIMEOUT, until

START = [sys.executable, "-m", "sandbox", "--empty"]


def test_announces_itself_and_ends_on_sigterm() -> None:
    with subprocess.Popen(START, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        announced = json.loads(process.stdout.readline())
        assert set(announced) == {"hubspot", "c4c", "control", "token", "username", "password"}
        assert requests.get(announced["control"] + "/health", timeout=TIMEOUT).json() == {"ok": True}
        process.send_signal(signal.SIGTERM)
        assert process.wait(TIMEOUT) == 0


def test_dies_with_its_parent() -> None:
    script = (
        f"import subprocess; subprocess.Popen({[*START, '--die-with-parent']!r}); import time; time.sleep({TIMEOUT})"
    )
    with subprocess.Popen([sys.executable, "-c", script], cwd=PROJECT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        control = json.loads(parent.stdout.readline())["control"]
        parent.kill()

    def gone() -> bool:
        try:
            requests.get(control + "/health", timeout=TIMEOUT)
        except requests.ConnectionError:
            return True
        return False

    until(gone, "the end of the sandbox after that of its parent")


def test_says_which_extra_is_missing() -> None:
    script = "import sys; sys.modules['uvicorn'] = None; from sandbox.__main__ import main; sys.exit(main([]))"
    ended = subprocess.run([sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "pip install 'hubspot-c4c-sync[demo]'" in ended.stderr


def test_reset_forgets_everything(sandbox: Sandbox) -> None:
    sandbox.post("/c4c/Lead", {"Name": "x"})
    sandbox.post("/faults", {"system": "c4c", "action": "slow"})
    sandbox.patch("/c4c/settings", {"page_size": 3})
    sandbox.post("/clock", {"advance_seconds": 86_400})
    later = sandbox.get("/clock")["now"]
    sandbox.reset()
    assert sandbox.get("/truth", system="c4c", entities="Lead") == {"c4c": {"Lead": []}}
    assert sandbox.get("/faults") == []
    assert sandbox.get("/c4c/settings")["page_size"] == 1000
    assert sandbox.get("/clock")["now"] < later


def test_seed_fills_both_systems(sandbox: Sandbox) -> None:
    sandbox.post("/seed", {"contacts": 50, "companies": 12, "seed": 1})
    truth = sandbox.get("/truth")
    assert len(truth["hubspot"]["contacts"]) == 50
    assert truth["c4c"]["Employee"]
    assert sandbox.get("/requests")["c4c"]["operations"]["create"] == {}
    sandbox.reset()


def test_hubspot_faults_and_counters(sandbox: Sandbox) -> None:
    sandbox.delete("/requests")
    sandbox.post("/faults", {"system": "hubspot", "action": "status", "status": 502, "path": "/owners"})
    headers = {"Authorization": f"Bearer {sandbox.token}"}
    for status in (502, 200):
        assert requests.get(sandbox.hubspot + "/crm/v3/owners/", headers=headers, timeout=TIMEOUT).status_code == status
    requests.get(sandbox.hubspot + "/crm/v3/objects/contacts/51", headers=headers, timeout=TIMEOUT)
    counted = sandbox.get("/requests")["hubspot"]
    assert counted["by"] == {"GET /crm/v3/objects/contacts/*": 1, "GET /crm/v3/owners/": 2}
    sandbox.delete("/faults")


@pytest.mark.parametrize(
    "body", [{"system": "c4c", "action": "explode"}, {"action": "slow"}, {"system": "c4c", "action": "kill_after"}]
)
def test_wrong_faults_are_refused(sandbox: Sandbox, body: dict[str, str]) -> None:
    answer = requests.post(sandbox.control + "/faults", json=body, timeout=TIMEOUT)
    assert answer.status_code == 400
    assert answer.json()["error"]


def test_probability_is_deterministic(sandbox: Sandbox) -> None:
    def run() -> list[int]:
        sandbox.delete("/faults")
        fault = {"system": "c4c", "action": "status", "times": None, "probability": 0.5, "seed": 3}
        sandbox.post("/faults", fault)
        return [requests.get(sandbox.c4c + "/x", timeout=TIMEOUT).status_code for _ in range(10)]

    first = run()
    assert first == run()
    assert len(set(first)) == 2
    sandbox.delete("/faults")
