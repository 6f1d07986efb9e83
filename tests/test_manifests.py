"""Manifests against the schemas of what reads them, and what is written in them is run."""

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from running import PROJECT, until

DEPLOY = PROJECT / "deploy"
KUBERNETES = "1.37"
SCHEMAS = PROJECT / "tests/schemas"
FOLDERS = ("kubernetes", "backup", "certificate", "litestream")
PORTALS = ("two-portals/europe", "two-portals/america")
MONITOR = DEPLOY / "kubernetes/podmonitor.yaml"


def documents(text: str) -> list[dict[str, Any]]:
    return [document for document in yaml.safe_load_all(text) if document]


def whole() -> Iterator[Any]:
    """The files that are documents of Kubernetes' own kinds as they are."""
    for file in sorted(DEPLOY.glob("*/*.yaml")):
        if file.parent.name in FOLDERS and file != MONITOR and "patch" not in file.name:
            for document in documents(file.read_text(encoding="utf-8")):
                if document["kind"] != "Kustomization":
                    yield pytest.param(document, id=f"{file.parent.name}/{file.name} {document['kind']}")


def built(folder: str) -> list[dict[str, Any]]:
    """What `kubectl apply -k` sends."""
    if not shutil.which("kubectl"):
        pytest.skip("needs kubectl, which puts patches and files together (.ci/run installs it)")
    done = subprocess.run(
        ["kubectl", "kustomize", str(DEPLOY / folder)], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return documents(done.stdout)


def valid(document: dict[str, Any]) -> None:
    kubernetes_validate.validate(document, KUBERNETES, strict=True)


@pytest.mark.parametrize("document", list(whole()))
def test_a_manifest_is_what_the_api_takes(document: dict[str, Any]) -> None:
    valid(document)


@pytest.mark.parametrize("folder", [*FOLDERS, *PORTALS])
def test_what_is_put_together_is_what_the_api_takes(folder: str) -> None:
    for document in built(folder):
        valid(document)


def test_a_misspelled_field_is_noticed() -> None:
    document = documents((DEPLOY / "kubernetes/worker.yaml").read_text(encoding="utf-8"))[0]
    document["spec"]["template"]["spec"]["containers"][0]["livenessprobe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError, match="livenessprobe"):
        valid(document)


def closed(schema: Any) -> Any:
    """The schema without room for fields that it does not name: the API would drop them without a word."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: closed(part) for name, part in schema.items()}
    if "properties" in found and schema.get("type") == "object":
        found.setdefault("additionalProperties", False)
    return found


def test_the_pod_monitor_is_what_the_operator_takes() -> None:
    schema = json.loads((SCHEMAS / "podmonitor.json").read_text(encoding="utf-8"))
    spec = closed(schema["properties"]["spec"])
    [monitor] = documents(MONITOR.read_text(encoding="utf-8"))
    jsonschema.validate(monitor, schema)
    jsonschema.validate(monitor["spec"], spec)
    monitor["spec"]["podMetricsEndpoints"][0]["intervall"] = "30s"
    with pytest.raises(jsonschema.ValidationError, match="intervall"):
        jsonschema.validate(monitor["spec"], spec)


def test_the_pod_monitor_and_the_network_policy_mean_the_worker() -> None:
    [worker] = documents((DEPLOY / "kubernetes/worker.yaml").read_text(encoding="utf-8"))
    pod = worker["spec"]["template"]
    [container] = pod["spec"]["containers"]
    [monitor] = documents(MONITOR.read_text(encoding="utf-8"))
    [policy] = documents((DEPLOY / "kubernetes/networkpolicy.yaml").read_text(encoding="utf-8"))
    assert monitor["spec"]["selector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()
    assert policy["spec"]["podSelector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()
    [endpoint] = monitor["spec"]["podMetricsEndpoints"]
    assert endpoint["port"] == container["ports"][0]["name"]
    [ingress] = policy["spec"]["ingress"]
    assert ingress["ports"] == [{"protocol": "TCP", "port": container["ports"][0]["containerPort"]}]
    assert {port["port"] for rule in policy["spec"]["egress"] for port in rule["ports"]} == {53, 443}


@pytest.mark.parametrize("file", ["compose.yaml", "deploy/two-portals/compose.yaml"])
def test_compose_is_what_docker_takes(file: str) -> None:
    tool = Path(sys.executable).with_name("check-jsonschema")
    command = [str(tool), "--builtin-schema", "vendor.compose-spec", str(PROJECT / file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout


def test_litestream_runs_before_the_worker_and_ends_after_it() -> None:
    """Init containers run in this order; one that is restarted always goes on, and ends after the containers."""
    [worker] = [document for document in built("litestream") if document["kind"] == "Deployment"]
    pod = worker["spec"]["template"]["spec"]
    assert [container["name"] for container in pod["initContainers"]] == ["restore", "litestream", "migrate"]
    assert [container["name"] for container in pod["containers"]] == ["worker"]


def test_a_certificate_replaces_user_and_password() -> None:
    [worker] = [document for document in built("certificate") if document["kind"] == "Deployment"]
    [container] = worker["spec"]["template"]["spec"]["containers"]
    names = {entry["name"] for entry in container["env"]}
    assert {"C4C_CLIENT_CERT", "C4C_CLIENT_KEY"} <= names
    assert not {"C4C_USERNAME_FILE", "C4C_PASSWORD_FILE"} & names


def test_what_stands_there_as_an_example_fits_too() -> None:
    """The comments of the certificate's patch, without their signs: valid, and of settings that exist."""
    text = (DEPLOY / "certificate/worker-patch.yaml").read_text(encoding="utf-8")
    [patch] = documents(re.sub(r"^( +)# (- \{| *- name| *configMap)", r"\1\2", text, flags=re.MULTILINE))
    pod = patch["spec"]["template"]["spec"]
    [container] = pod["containers"]
    names = {entry["name"].removesuffix("_FILE") for entry in container["env"]}
    assert {"C4C_CLIENT_KEY_PASSPHRASE", "SYNC_CA_BUNDLE"} <= names
    source = "".join(file.read_text(encoding="utf-8") for file in (PROJECT / "sync").rglob("*.py"))
    assert [name for name in sorted(names) if name not in source] == []
    assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}


# ---- what is written in them is run


def stub(directory: Path, text: str) -> dict[str, str]:
    """An environment in which `hubspot-c4c-sync` is this script."""
    program = directory / "bin/hubspot-c4c-sync"
    program.parent.mkdir(exist_ok=True)
    program.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    program.chmod(0o755)
    return {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}"}


def test_compose_ends_a_worker_that_is_unwell_twice_in_a_row(tmp_path: Path) -> None:
    service = yaml.safe_load((PROJECT / "compose.yaml").read_text(encoding="utf-8"))["services"]["worker"]
    kind, line = service["healthcheck"]["test"]
    assert (kind, service["restart"]) == ("CMD-SHELL", "unless-stopped")
    with subprocess.Popen(["sleep", "600"]) as worker:
        line = line.replace("/tmp/", f"{tmp_path}/").replace("-TERM 1;", f"-TERM {worker.pid};")
        asked = [
            subprocess.run(["sh", "-c", line], env=stub(tmp_path, f"exit {code}"), check=False).returncode
            for code in (1, 0, 1)
        ]
        assert asked == [1, 0, 1]
        assert worker.poll() is None, "once unwell, then well, then unwell: it goes on"
        subprocess.run(["sh", "-c", line], env=stub(tmp_path, "exit 1"), check=True)
        assert worker.wait() == -15


def test_copies_of_the_cron_job_are_pruned_only_after_a_new_one(tmp_path: Path) -> None:
    [job] = documents((DEPLOY / "backup/cronjob.yaml").read_text(encoding="utf-8"))
    [container] = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    command = container["args"][container["args"].index("--") + 1 :]
    command[-1] = command[-1].replace("/backups", str(tmp_path))
    old, young = tmp_path / "state-20200101T000000Z.db", tmp_path / "state-20260101T000000Z.db"
    for file in (old, young):
        file.touch()
    os.utime(old, (0, 0))
    assert subprocess.run(command, env=stub(tmp_path, "exit 2"), check=False).returncode == 2
    assert old.exists(), "a copy that failed removes none"
    subprocess.run(command, env=stub(tmp_path, '[ "$1" = backup ] && touch "$2"'), check=True)
    assert not old.exists()
    assert len(list(tmp_path.glob("state-*.db"))) == 2, "the young one, and the new one"


def test_litestream_takes_its_configuration_and_gives_back_the_last_write(tmp_path: Path) -> None:
    """The real program on the shipped file, with a directory in place of the bucket; ended after its writer."""
    configuration = yaml.safe_load((DEPLOY / "litestream/litestream.yml").read_text(encoding="utf-8"))
    state, replica = tmp_path / "state.db", tmp_path / "replica"
    [database] = configuration["dbs"]
    interval = database["replica"]["sync-interval"]
    database |= {
        "path": str(state),
        "replica": {"type": "file", "path": str(replica), "sync-interval": interval},
    }
    file = tmp_path / "litestream.yml"
    file.write_text(yaml.safe_dump(configuration), encoding="utf-8")
    program = Path(sys.executable).with_name("litestream")
    [patch] = documents((DEPLOY / "litestream/kubernetes-patch.yaml").read_text(encoding="utf-8"))
    restore, sidecar = patch["spec"]["template"]["spec"]["initContainers"]
    with closing(sqlite3.connect(state)) as writer:
        writer.execute("PRAGMA journal_mode=WAL")
        writer.execute("CREATE TABLE seen (number INTEGER)")
        writer.commit()
        with subprocess.Popen([program, *placed(sidecar, file, state)], stdout=subprocess.DEVNULL) as litestream:
            until(lambda: any(replica.rglob("*.ltx")), "the first copy")
            writer.execute("INSERT INTO seen VALUES (7)")
            writer.commit()
            litestream.terminate()
            assert litestream.wait() == 0
    for left in tmp_path.glob("state.db*"):
        left.unlink()
    shutil.rmtree(tmp_path / ".state.db-litestream")
    subprocess.run([program, *placed(restore, file, state)], check=True, stdout=subprocess.DEVNULL)
    with closing(sqlite3.connect(state)) as reader:
        assert reader.execute("SELECT number FROM seen").fetchall() == [(7,)]


def placed(container: dict[str, Any], file: Path, state: Path) -> list[str]:
    """The arguments of the manifest, with the places of this test."""
    places = {"/etc/litestream.yml": str(file), "/data/state.db": str(state)}
    return [places.get(argument, argument) for argument in container["args"]]
