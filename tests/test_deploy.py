"""The files under deploy/, compose.yaml and the Dockerfile agree with each other, and with what the program knows."""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from sync import config, environment
from sync.cli.commands import cli
from sync.environment import Environment
from sync.net import certificates
from sync.worker.server import Probes

PROJECT = Path(__file__).parents[1]
DEPLOY = PROJECT / "deploy"
OPERATIONS = (PROJECT / "docs/operations.md").read_text(encoding="utf-8")
DOCKERFILE = (PROJECT / "Dockerfile").read_text(encoding="utf-8")
USER = 10001


def parsed(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


COMPOSE = parsed(PROJECT / "compose.yaml")
SERVICES = COMPOSE["services"]
SERVICE = SERVICES["worker"]
MANIFEST = parsed(DEPLOY / "kubernetes/worker.yaml")
SERVICE_OF_PODS = parsed(DEPLOY / "kubernetes/service.yaml")
HELPER = parsed(DEPLOY / "kubernetes/helper.yaml")
POD = MANIFEST["spec"]["template"]["spec"]
[WORKER] = POD["containers"]
[MIGRATE] = POD["initContainers"]
CLAIM = parsed(DEPLOY / "kubernetes/claim.yaml")
LITESTREAM = parsed(DEPLOY / "litestream/litestream.yml")
PATCH = parsed(DEPLOY / "litestream/kubernetes-patch.yaml")
PATCHED = PATCH["spec"]["template"]["spec"]
SIDECARS = PATCHED["initContainers"]

IMAGE = dict(re.findall(r"(SYNC_\w+)=(\S+)", DOCKERFILE))
"""What the image sets."""

GIVEN: dict[str, dict[str, str]] = {
    "compose": SERVICE["environment"],
    "kubernetes": {entry["name"]: entry["value"] for entry in WORKER["env"]},
}


@pytest.fixture(params=sorted(GIVEN))
def given(request: pytest.FixtureRequest) -> dict[str, str]:
    return {**IMAGE, **GIVEN[request.param]}


def secret_files(environment: Mapping[str, str]) -> dict[str, Path]:
    return {n.removesuffix("_FILE"): Path(p) for n, p in environment.items() if n.endswith("_FILE")}


# ---- settings and secrets


def test_the_settings_are_ones_that_exist_and_all_that_are_needed(given: dict[str, str]) -> None:
    source = "".join(Path(m.__file__).read_text(encoding="utf-8") for m in (environment, certificates))
    known = set(re.findall(r'"((?:HUBSPOT|C4C|SYNC)_[A-Z_]+)"', source))
    assert {name.removesuffix("_FILE") for name in given} <= known
    values = {name: value for name, value in given.items() if not name.endswith("_FILE")}
    env = Environment(values | dict.fromkeys(secret_files(given), "https://a.example/b"))
    environment.settings(env)
    environment.hubspot_access(env)
    environment.c4c_access(env)
    assert env.problems == []


def test_secrets_come_as_files_that_are_there(given: dict[str, str]) -> None:
    secret = {"HUBSPOT_ACCESS_TOKEN", "C4C_USERNAME", "C4C_PASSWORD", "SYNC_ALERT_WEBHOOK"}
    assert set(secret_files(given)) == secret
    [directory] = {path.parent for path in secret_files(given).values()}
    mounted = {mount["name"]: mount for mount in WORKER["volumeMounts"]}["secrets"]
    assert str(directory) in ("/run/secrets", mounted["mountPath"])
    files = {path.name for path in secret_files(given).values()}
    assert files == set(SERVICE["secrets"]) == set(COMPOSE["secrets"])
    assert files == set(re.findall(r"`secrets/(\w+)`", OPERATIONS)), "as docs/operations.md has them made"
    assert {f"./secrets/{name}" for name in files} == {secret["file"] for secret in COMPOSE["secrets"].values()}


def test_names_are_those_that_operations_has_made() -> None:
    sources = {volume["name"]: volume for volume in POD["volumes"]}
    assert f"secret generic {sources['secrets']['secret']['secretName']} " in OPERATIONS
    assert f"configmap {sources['rules']['configMap']['name']} " in OPERATIONS
    assert "kubectl apply -k deploy/kubernetes" in OPERATIONS
    for resource in parsed(DEPLOY / "kubernetes/kustomization.yaml")["resources"]:
        assert (DEPLOY / "kubernetes" / resource).exists()


def test_the_service_of_the_pods_exists_and_is_headless() -> None:
    assert SERVICE_OF_PODS["spec"]["clusterIP"] == "None"
    assert SERVICE_OF_PODS["spec"]["selector"] == MANIFEST["spec"]["selector"]["matchLabels"]
    [port] = SERVICE_OF_PODS["spec"]["ports"]
    assert port["targetPort"] == WORKER["ports"][0]["name"]
    assert port["port"] == WORKER["ports"][0]["containerPort"]


def test_litestream_brings_its_patch_and_its_config_map_and_operations_has_its_secret_made() -> None:
    kustomization = parsed(DEPLOY / "litestream/kustomization.yaml")
    assert kustomization["resources"] == ["../kubernetes"]
    assert [patch["path"] for patch in kustomization["patches"]] == ["kubernetes-patch.yaml"]
    [config_map] = kustomization["configMapGenerator"]
    assert config_map["name"] == PATCHED["volumes"][0]["configMap"]["name"]
    assert config_map["files"] == ["litestream.yml"]
    [secret] = {source["secretRef"]["name"] for sidecar in SIDECARS for source in sidecar["envFrom"]}
    assert f"secret generic {secret} " in OPERATIONS
    [bucket] = {database["replica"]["bucket"] for database in LITESTREAM["dbs"]}
    assert f"--from-literal={bucket.strip('${}')}=" in OPERATIONS


def test_the_helper_holds_the_volume_of_the_worker_as_the_worker_would() -> None:
    [helper] = HELPER["spec"]["containers"]
    [volume] = HELPER["spec"]["volumes"]
    assert volume["persistentVolumeClaim"]["claimName"] == CLAIM["metadata"]["name"]
    assert helper["volumeMounts"] == [{"name": "state", "mountPath": str(Path(IMAGE["SYNC_STATE"]).parent)}]
    assert helper["image"] == WORKER["image"]
    assert HELPER["spec"]["securityContext"] == POD["securityContext"]
    assert "labels" not in HELPER["metadata"], "nothing that selects the worker finds it"
    assert "helper.yaml" not in parsed(DEPLOY / "kubernetes/kustomization.yaml")["resources"]
    assert OPERATIONS.count("deploy/kubernetes/helper.yaml") >= 2, "made, and deleted"


# ---- files and rights


def test_the_state_is_on_the_volume_and_the_rules_where_they_are_mounted() -> None:
    state, rules = IMAGE["SYNC_STATE"], IMAGE["SYNC_CONFIG"]
    assert f"VOLUME {Path(state).parent}" in DOCKERFILE
    assert SERVICE["volumes"] == [f"state:{Path(state).parent}", f"./config:{rules}:ro"]
    assert set(COMPOSE["volumes"]) == {"state"}
    mounts = {mount["name"]: mount for mount in WORKER["volumeMounts"]}
    assert mounts["state"]["mountPath"] == str(Path(state).parent)
    assert mounts["rules"] == {"name": "rules", "mountPath": rules, "readOnly": True}
    assert {volume["name"] for volume in POD["volumes"]} == set(mounts)
    assert SERVICES["migrate"]["volumes"] == [f"state:{Path(state).parent}"]
    assert MIGRATE["volumeMounts"] == [mounts["state"]]


def test_litestream_copies_the_state_file() -> None:
    state = IMAGE["SYNC_STATE"]
    assert [database["path"] for database in LITESTREAM["dbs"]] == [state]
    restore, replicate = SIDECARS
    assert restore["args"][-1] == state
    assert {"-if-db-not-exists", "-if-replica-exists"} <= set(restore["args"]), "a start never overwrites a state"
    assert replicate["args"][0] == "replicate"
    assert restore["image"] == replicate["image"]
    assert (PATCH["kind"], PATCH["metadata"]["name"]) == (MANIFEST["kind"], MANIFEST["metadata"]["name"])
    mounts = {mount["name"]: mount["mountPath"] for mount in replicate["volumeMounts"]}
    assert mounts["state"] == str(Path(state).parent)
    assert restore["args"][restore["args"].index("-config") + 1] == mounts["litestream"]
    assert {"state", "tmp", *(volume["name"] for volume in PATCHED["volumes"])} == set(mounts)
    assert [container["name"] for container in SIDECARS if container.get("restartPolicy") == "Always"] == ["litestream"]


@pytest.mark.parametrize(
    "container", [WORKER, MIGRATE, *SIDECARS, *HELPER["spec"]["containers"]], ids=lambda container: container["name"]
)
def test_containers_are_restricted(container: dict[str, Any]) -> None:
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_nobody_is_root() -> None:
    assert f"USER {USER}:{USER}" in DOCKERFILE
    assert f"worker:x:{USER}:{USER}:" in DOCKERFILE
    assert f"owner {USER}" in OPERATIONS
    for service in SERVICES.values():
        assert service["user"] == f"{USER}:{USER}"
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert "no-new-privileges:true" in service["security_opt"]
    assert POD["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": USER,
        "runAsGroup": USER,
        "fsGroup": USER,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert POD["automountServiceAccountToken"] is False


# ---- process, ports and probes


def test_image_and_version() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    name = f"{project['name']}:{project['version']}"
    assert {service["image"] for service in SERVICES.values()} == {name}
    assert WORKER["image"].endswith(f"/{name}")
    assert MIGRATE["image"] == WORKER["image"]


def test_what_the_image_runs_exists() -> None:
    commands = {command.name or command.callback.__name__ for command in cli.registered_commands if command.callback}
    run = re.findall(r'^CMD \["(\w+)"\]', DOCKERFILE, re.MULTILINE)
    probe = re.findall(r'HEALTHCHECK .*CMD \["hubspot-c4c-sync", "(\w+)"\]', DOCKERFILE)
    assert {*run, *probe} == {"run", "health"}
    assert {*run, *probe} <= commands
    assert 'ENTRYPOINT ["hubspot-c4c-sync"]' in DOCKERFILE
    assert "command" not in WORKER
    assert "args" not in WORKER


def test_the_port_is_one_and_the_same(given: dict[str, str]) -> None:
    port = given["SYNC_METRICS_PORT"]
    assert given["SYNC_METRICS_HOST"] == "0.0.0.0", "the probe and the published port come from outside"
    assert [entry.split(":")[-1] for entry in SERVICE["ports"]] == [port]
    assert all(entry.startswith("127.0.0.1:") for entry in SERVICE["ports"])
    assert [str(entry["containerPort"]) for entry in WORKER["ports"]] == [port]
    assert MANIFEST["spec"]["template"]["metadata"]["annotations"]["prometheus.io/port"] == port


def test_probes_ask_for_what_is_served() -> None:
    unused: Any = None
    served = Probes(unused, unused).routes()
    probes = {kind: WORKER[kind]["httpGet"] for kind in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert {probe["path"] for probe in probes.values()} <= set(served)
    assert probes["livenessProbe"]["path"] == "/healthz"
    assert {probe["port"] for probe in probes.values()} == {WORKER["ports"][0]["name"]}


def test_the_container_is_given_longer_than_the_worker_takes() -> None:
    within = config.Schedule().stop_within
    assert timedelta(seconds=POD["terminationGracePeriodSeconds"]) > within
    assert timedelta(seconds=int(SERVICE["stop_grace_period"].removesuffix("s"))) > within


def test_there_is_one_writer() -> None:
    """A StatefulSet would give a second replica a state of its own, and both would create every lead."""
    assert (MANIFEST["kind"], MANIFEST["spec"]["strategy"]) == ("Deployment", {"type": "Recreate"})
    assert MANIFEST["spec"]["replicas"] == 1
    [claim] = [volume["persistentVolumeClaim"]["claimName"] for volume in POD["volumes"] if volume["name"] == "state"]
    assert claim == CLAIM["metadata"]["name"], "one claim for all pods"
    assert CLAIM["spec"]["accessModes"] == ["ReadWriteOncePod"]
    labels = MANIFEST["spec"]["template"]["metadata"]["labels"]
    assert MANIFEST["spec"]["selector"]["matchLabels"].items() <= labels.items()


def test_the_state_is_migrated_before_any_probe_asks() -> None:
    assert MIGRATE["args"] == SERVICES["migrate"]["command"] == ["migrate"]
    assert SERVICE["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}
    assert not {"startupProbe", "livenessProbe", "readinessProbe"} & MIGRATE.keys()
    assert SERVICES["migrate"]["healthcheck"] == {"disable": True}


def test_a_restore_with_compose_makes_no_new_state_first() -> None:
    assert SERVICE["depends_on"], "`run` starts these, too"
    runs = re.findall(r"docker compose run .*", OPERATIONS)
    assert runs
    assert all("--no-deps" in run for run in runs)


def test_logs_of_compose_do_not_fill_the_disk() -> None:
    for service in SERVICES.values():
        assert set(service["logging"]["options"]) == {"max-size", "max-file"}


# ---- Prometheus and Grafana (that their metrics exist: test_docs.py)


def test_rules_are_whole() -> None:
    rules = [rule for group in parsed(DEPLOY / "prometheus/alerts.yaml")["groups"] for rule in group["rules"]]
    names = [rule["alert"] for rule in rules]
    assert len(names) == len(set(names))
    for rule in rules:
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert set(rule["annotations"]) >= {"summary", "runbook"}
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["labels"]["service"] == "hubspot-c4c-sync", "what routing goes by"
        assert rule["expr"].count("(") == rule["expr"].count(")")
    stale = next(rule for rule in rules if rule["alert"] == "SyncPollStale")
    assert f"> {config.Alerts().poll_age.total_seconds():g}\n" in stale["expr"], "as the worker's own alert"


def panels(dashboard: Any) -> Iterator[Any]:
    for panel in dashboard["panels"]:
        yield panel
        yield from panel.get("panels", ())


def test_the_dashboard_is_whole() -> None:
    dashboard = json.loads((DEPLOY / "grafana/dashboard.json").read_text(encoding="utf-8"))
    shown = list(panels(dashboard))
    assert len({panel["id"] for panel in shown}) == len(shown)
    [variable] = dashboard["templating"]["list"]
    sources = {panel["datasource"]["uid"] for panel in shown if panel["type"] != "row"}
    assert sources == {f"${{{variable['name']}}}"}
    assert all(target["expr"] for panel in shown for target in panel.get("targets", ()))


def test_two_workers_of_one_compose_file_share_nothing_and_are_kept_as_one_is() -> None:
    services = parsed(DEPLOY / "two-portals/compose.yaml")["services"]
    workers = [services[name] for name in ("europe", "america")]
    for worker in workers:
        same = SERVICE.keys() - {"depends_on", "volumes", "environment", "secrets", "ports"}
        assert {name: worker[name] for name in same} == {name: SERVICE[name] for name in same}
        assert worker["environment"].keys() | {"SYNC_ALERT_WEBHOOK_FILE"} == SERVICE["environment"].keys()
    for what in ("volumes", "ports"):
        one, other = (set(worker[what]) for worker in workers)
        assert not one & other, what
    one, other = ({secret["source"] for secret in worker["secrets"]} for worker in workers)
    assert not one & other
    assert len({worker["environment"]["C4C_BASE_URL"] for worker in workers}) == 2


def test_two_workers_of_one_cluster_have_a_namespace_each() -> None:
    files = [parsed(DEPLOY / f"two-portals/{name}/kustomization.yaml") for name in ("europe", "america")]
    assert len({file["namespace"] for file in files}) == 2
    for file in files:
        assert file["resources"] == ["../../kubernetes"]
        patch = yaml.safe_load(file["patches"][0]["patch"])
        [worker] = patch["spec"]["template"]["spec"]["containers"]
        assert worker["name"] == WORKER["name"]
        assert [entry["name"] for entry in worker["env"]] == ["C4C_BASE_URL"]
