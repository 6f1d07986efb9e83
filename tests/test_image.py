"""The image holds what the worker opens, and nothing that serves the sandbox (the build itself: `make drill`)."""

import importlib.util
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

PROJECT = Path(__file__).parents[1]
PACKAGES = next(Path(sys.prefix).glob("lib/python*/site-packages"))
DOCKERFILE = (PROJECT / "Dockerfile").read_text(encoding="utf-8")
DECLARED = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))

BUILT = """
import importlib.util, json, sys
from pathlib import Path
spec = importlib.util.spec_from_file_location("slim", sys.argv[1])
slim = importlib.util.module_from_spec(spec)
spec.loader.exec_module(slim)
gone = slim.unused(Path(sys.argv[2]), slim.opened())
print(json.dumps([str(file) for file in gone]))
"""

WITHOUT = """
import json, os, sys
gone = set(json.load(sys.stdin))

def refuse(event, arguments):
    if event == "open" and arguments[0] in gone:
        raise FileNotFoundError(2, "is not in the image", arguments[0])

sys.addaudithook(refuse)
from sync.errors import Denied, Unavailable
from sync.hubspot_client import Filter, HubSpotClient
from sync.mappers import places
from sync.transport import RequestRetry

assert [places.country(name) for name in ("Niemcy", "Kongeriget Danmark", "Tyskland", "Γερμανία", "Luxembourg")] == [
    "DE", "DK", "DE", "DE", "LU"
]
assert (places.state("Bayern", "DE"), places.language("Dänisch")) == ("BY", "DA")
nobody = HubSpotClient("http://127.0.0.1:1", "secret", retry=RequestRetry(1, 0))
try:
    nobody.owners()
except Unavailable:
    pass
url, token = sys.argv[1:]
assert HubSpotClient(url, token).count("contacts", [Filter("lastname", "HAS_PROPERTY")]) >= 0
assert HubSpotClient(url, token).owners() is not None
try:
    HubSpotClient(url, "another").owners()
except Denied:
    print("all that was asked has an answer")
"""


def run(*arguments: str, given: str = "") -> str:
    # Nothing is compiled anew: else a source that is gone would be replaced by its byte code.
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", *arguments]
    done = subprocess.run(
        command, input=given, capture_output=True, text=True, env=environment, cwd=PROJECT, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def gone() -> list[str]:
    found: list[str] = json.loads(run(BUILT, str(PROJECT / "deploy/image/slim.py"), str(PACKAGES)))
    return found


@pytest.fixture(scope="module")
def slim() -> ModuleType:
    spec = importlib.util.spec_from_file_location("slim", PROJECT / "deploy/image/slim.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.long
def test_what_goes_is_most_of_two_packages_and_nothing_else(gone: list[str], slim: ModuleType) -> None:
    sources = [Path(file) for file in gone if not file.endswith(".pyc")]
    assert {Path(file).relative_to(PACKAGES).parts[0] for file in gone} == {n.split("/")[0] for n in slim.SHRUNK}
    assert sum(file.stat().st_size for file in sources) > 30e6
    assert PACKAGES / "hubspot/crm/deals/api_client.py" in sources
    assert PACKAGES / "hubspot/crm/objects/api_client.py" not in sources


@pytest.mark.long
def test_the_product_works_without_what_goes(gone: list[str], announcement: dict[str, str]) -> None:
    assert "has an answer" in run(WITHOUT, announcement["hubspot"], announcement["token"], given=json.dumps(gone))


def test_files_that_went_leave_the_lists_of_their_packages(tmp_path: Path, slim: ModuleType) -> None:
    record = tmp_path / "hubspot-1.dist-info/RECORD"
    record.parent.mkdir()
    record.write_text('hubspot/a.py,sha256=x,1\n"hubspot/b.py",sha256=y,2\n../../../bin/tool,,\n', encoding="utf-8")
    slim.forget(tmp_path, {tmp_path / "hubspot/b.py"})
    assert record.read_text(encoding="utf-8") == "hubspot/a.py,sha256=x,1\n../../../bin/tool,,\n"


def locked(name: str) -> set[str]:
    return set(re.findall(r"^([a-z0-9-]+)==", (PROJECT / name).read_text(encoding="utf-8"), re.MULTILINE))


def names(requirements: list[object]) -> set[str]:
    return {re.split(r"[<>=!]", entry)[0] for entry in requirements if isinstance(entry, str)}


def test_the_lock_of_the_image_has_the_page_and_the_wheel_no_sandbox() -> None:
    groups = DECLARED["dependency-groups"]
    assert names(DECLARED["project"]["dependencies"]) <= locked("requirements.lock")
    assert names(DECLARED["project"]["optional-dependencies"]["page"]) <= locked("requirements.lock")
    assert locked("requirements.lock").isdisjoint(names(groups["dev"]) | {"phonenumbers", "playwright"})
    assert names(groups["sandbox"]) <= locked("requirements-dev.lock")
    assert names(groups["image"]) <= locked("requirements-image.lock")
    assert "chardet" not in locked("requirements-dev.lock"), "requests would import it at each start"
    assert DECLARED["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == ["sync"]


def test_labels_of_the_oci_specification() -> None:
    labels = dict(re.findall(r'org\.opencontainers\.image\.([a-z.]+)="([^"]*)"', DOCKERFILE))
    project = DECLARED["project"]
    assert labels["title"] == project["name"]
    assert labels["version"] == project["version"]
    assert labels["licenses"] == project["license"]
    assert labels["revision"] == "$REVISION"
    bases = set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE))
    assert bases == {labels["base.name"].removeprefix("docker.io/library/")}


def test_byte_code_bears_no_time() -> None:
    for install in re.findall(r"pip --python /opt/venv\S+ install .*", DOCKERFILE):
        assert "--no-compile" in install
    assert "PIP_NO_COMPILE" not in DOCKERFILE, "which means the opposite of what it says"
    assert "compileall -q --invalidation-mode unchecked-hash" in DOCKERFILE
