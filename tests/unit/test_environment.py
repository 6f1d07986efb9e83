"""Settings from the environment: every mistake is named with setting, what was found and what to do — all at once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sync.environment import C4CAccess, Environment, HubSpotAccess, c4c_access, hubspot_access, settings
from sync.errors import ConfigurationError

GOOD = {
    "HUBSPOT_ACCESS_TOKEN": "pat-1",
    "C4C_BASE_URL": "https://my1.crm.ondemand.com",
    "C4C_USERNAME": "sync",
    "C4C_PASSWORD": "secret",
}


def read_all(variables: dict[str, str]) -> tuple[HubSpotAccess, C4CAccess]:
    env = Environment(variables)
    settings(env)
    found = hubspot_access(env), c4c_access(env)
    env.settle()
    return found


def complaints(variables: dict[str, str]) -> list[str]:
    with pytest.raises(ConfigurationError) as raised:
        read_all(variables)
    return raised.value.problems


def without(*names: str, **more: str) -> dict[str, str]:
    return {name: value for name, value in GOOD.items() if name not in names} | more


def test_good_settings() -> None:
    hubspot, c4c = read_all(GOOD)
    assert (hubspot.base_url, hubspot.token) == ("https://api.hubapi.com", "pat-1")
    assert (c4c.base_url, c4c.username, c4c.password) == ("https://my1.crm.ondemand.com", "sync", "secret")


def test_defaults_of_the_settings() -> None:
    found = settings(Environment({}))
    assert (found.state, found.config, found.log_format, found.log_level, found.metrics_port) == (
        Path("state.db"),
        Path("config"),
        "json",
        "INFO",
        None,
    )


@pytest.mark.parametrize("name", list(GOOD))
@pytest.mark.parametrize("value", [None, "", "  "], ids=["unset", "empty", "blank"])
def test_a_missing_setting_is_named_with_both_ways_to_give_it(name: str, value: str | None) -> None:
    given = without(name) | ({} if value is None else {name: value})
    [found] = complaints(given)
    assert found.startswith(f"{name} is missing")
    assert f"{name}_FILE" in found


def test_all_missing_settings_are_said_at_once() -> None:
    assert [found.split(" ")[0] for found in complaints({})] == list(GOOD)


@pytest.mark.parametrize("name", ["HUBSPOT_ACCESS_TOKEN", "C4C_PASSWORD"])
def test_a_secret_from_a_file(name: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from file\n", encoding="utf-8")
    hubspot, c4c = read_all(GOOD | {f"{name}_FILE": str(tmp_path / "secret")})
    assert {"HUBSPOT_ACCESS_TOKEN": hubspot.token, "C4C_PASSWORD": c4c.password}[name] == "from file"


def test_an_empty_file_counts_as_missing(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("\n", encoding="utf-8")
    [found] = complaints(without("C4C_PASSWORD", C4C_PASSWORD_FILE=str(tmp_path / "secret")))
    assert found.startswith("C4C_PASSWORD is missing")


def test_an_empty_name_of_a_file_counts_as_missing() -> None:
    assert read_all(GOOD | {"C4C_PASSWORD_FILE": " "})[1].password == "secret"


def test_a_file_that_cannot_be_read_is_named_once(tmp_path: Path) -> None:
    path = tmp_path / "nowhere"
    [found] = complaints(without("C4C_PASSWORD", C4C_PASSWORD_FILE=str(path)))
    assert found.startswith("C4C_PASSWORD_FILE")
    assert str(path) in found


@pytest.mark.parametrize(
    ("url", "accepted"),
    [
        pytest.param("https://my1.crm.ondemand.com", True, id="https"),
        pytest.param("https://my1.crm.ondemand.com/", True, id="with a slash"),
        pytest.param("http://127.0.0.1:8080", True, id="loopback"),
        pytest.param("http://localhost:8080", True, id="localhost"),
        pytest.param("http://[::1]:8080", True, id="loopback of IPv6"),
        pytest.param("http://my1.crm.ondemand.com", False, id="plain http"),
        pytest.param("http://10.0.0.1", False, id="plain http in a private network"),
        pytest.param("http://localhost.example.com", False, id="a name that begins like this machine"),
        pytest.param("http://127.0.0.1.example.com", False, id="a name that begins like a number"),
        pytest.param("http://user@localhost@example.com", False, id="the host is what follows the last at sign"),
        pytest.param("my1.crm.ondemand.com", False, id="no scheme"),
        pytest.param("ftp://my1.crm.ondemand.com", False, id="another scheme"),
        pytest.param("https://", False, id="no host"),
        pytest.param("https://[my1", False, id="a broken host"),
        pytest.param("https://my1.crm.ondemand.com:port", False, id="a port that is no number"),
    ],
)
@pytest.mark.parametrize("name", ["C4C_BASE_URL", "HUBSPOT_BASE_URL"])
def test_addresses(name: str, url: str, accepted: bool) -> None:
    given = GOOD | {name: url}
    if accepted:
        hubspot, c4c = read_all(given)
        assert {"C4C_BASE_URL": c4c.base_url, "HUBSPOT_BASE_URL": hubspot.base_url}[name] == url.rstrip("/")
    else:
        [found] = complaints(given)
        assert found.startswith(f"{name}: ")
        assert re.search("https://", found)


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        pytest.param("SYNC_LOG_FORMAT", "xml", ["json", "console"], id="format"),
        pytest.param("SYNC_LOG_LEVEL", "LOUD", ["DEBUG", "ERROR"], id="level"),
        pytest.param("SYNC_METRICS_PORT", "metrics", ["port number"], id="port"),
        pytest.param("SYNC_METRICS_PORT", "0", ["port number"], id="port 0"),
        pytest.param("SYNC_METRICS_PORT", "70000", ["port number"], id="port beyond all"),
    ],
)
def test_choices(name: str, value: str, allowed: list[str]) -> None:
    [found] = complaints(GOOD | {name: value})
    assert found.startswith(f"{name}: found '{value}'")
    assert [word for word in allowed if word not in found] == []


@pytest.fixture
def pem(tmp_path: Path) -> str:
    (tmp_path / "c.pem").write_text("", encoding="utf-8")
    return str(tmp_path / "c.pem")


def test_a_certificate_instead_of_a_password(pem: str) -> None:
    given = without("C4C_USERNAME", "C4C_PASSWORD", C4C_CLIENT_CERT=pem, C4C_CLIENT_KEY=pem)
    c4c = read_all(given)[1]
    assert (c4c.client_cert, c4c.client_key, c4c.username, c4c.password) == (Path(pem), Path(pem), None, None)


@pytest.mark.parametrize("have", ["C4C_CLIENT_CERT", "C4C_CLIENT_KEY"])
def test_half_a_certificate_is_none(have: str, pem: str) -> None:
    missing = ({"C4C_CLIENT_CERT", "C4C_CLIENT_KEY"} - {have}).pop()
    [found] = complaints(without("C4C_USERNAME", "C4C_PASSWORD", **{have: pem}))
    assert found.startswith(f"{missing} is missing")


def test_a_certificate_that_is_not_there_is_no_certificate(pem: str) -> None:
    given = without("C4C_USERNAME", "C4C_PASSWORD", C4C_CLIENT_CERT="/nowhere.pem", C4C_CLIENT_KEY=pem)
    assert complaints(given) == ["C4C_CLIENT_CERT: names no file that can be read; check path and rights"]


@pytest.mark.parametrize("name", ["HUBSPOT_ACCESS_TOKEN", "C4C_USERNAME", "C4C_PASSWORD"])
@pytest.mark.parametrize("value", ["first\nsecond", "tab\there", "sign €"])
def test_a_credential_that_no_header_carries_is_refused_and_never_shown(name: str, value: str) -> None:
    [found] = complaints(GOOD | {name: value})
    assert found == f"{name}: holds a line break or a character that no header can carry; store it anew"


TENANT = "https://my1.crm.ondemand.com"


@pytest.mark.parametrize(
    ("name", "given", "meant"),
    [
        pytest.param("C4C_BASE_URL", f"{TENANT}/sap/c4c/odata/v1/c4codataapi/", TENANT, id="the OData service"),
        pytest.param(
            "C4C_BASE_URL",
            f"{TENANT}/sap/c4c/odata/v1/c4codataapi/$metadata?sap-language=en",
            TENANT,
            id="a document of the service",
        ),
        pytest.param("C4C_BASE_URL", f"{TENANT}/sap/byd/runtime?app.component=COD", TENANT, id="the user interface"),
        pytest.param("C4C_BASE_URL", f"{TENANT}/sap/public/byd/runtime", TENANT, id="the log-on page"),
        pytest.param("C4C_BASE_URL", f"{TENANT}/#Shell", TENANT, id="a fragment"),
        pytest.param("C4C_BASE_URL", "https://my1-sso.crm.ondemand.com/sap/ap/ui/clogin", TENANT, id="single sign-on"),
        pytest.param("C4C_BASE_URL", "http://127.0.0.1:8080/sap", "http://127.0.0.1:8080", id="with a port"),
        pytest.param("C4C_BASE_URL", "http://[::1]:8080/sap", "http://[::1]:8080", id="IPv6"),
        pytest.param(
            "HUBSPOT_BASE_URL",
            "https://api.hubapi.com/crm/v3/objects",
            "https://api.hubapi.com",
            id="a path of the API",
        ),
        pytest.param(
            "HUBSPOT_BASE_URL",
            "https://app-eu1.hubspot.com/contacts/1/objects/0-1",
            "https://api.hubapi.com",
            id="HubSpot's pages",
        ),
        pytest.param(
            "HUBSPOT_BASE_URL", "https://app.hubspot.com", "https://api.hubapi.com", id="HubSpot's host for people"
        ),
    ],
)
def test_an_address_of_a_page_or_a_service_is_answered_with_the_root_to_type(name: str, given: str, meant: str) -> None:
    [found] = complaints(GOOD | {name: given})
    assert found == f"{name}: is the address of a page or of a service; type the root only: {meant}"
    read_all(GOOD | {name: meant})


def test_slashes_at_the_end_are_no_mistake() -> None:
    assert read_all(GOOD | {"C4C_BASE_URL": f"{TENANT}//"})[1].base_url == TENANT


def test_an_address_holds_no_credentials() -> None:
    [found] = complaints(GOOD | {"C4C_BASE_URL": "https://user:secret@my1.crm.ondemand.com"})
    assert found == "C4C_BASE_URL: holds a user name or password, which would be seen; write it as https://host"


def test_no_secret_shows_in_a_representation() -> None:
    hubspot, c4c = read_all(GOOD | {"HUBSPOT_ACCESS_TOKEN": "pat-hidden", "C4C_PASSWORD": "hidden too"})
    assert "hidden" not in f"{hubspot!r}"
    assert "hidden" not in f"{c4c!r}"


def test_no_secret_shows_in_a_complaint() -> None:
    given = without("C4C_USERNAME") | {"HUBSPOT_ACCESS_TOKEN": "pat-hidden", "C4C_PASSWORD": "hidden too"}
    assert "hidden" not in "\n".join(complaints(given))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("HUBSPOT_BASE_URL", "pat-hidden", id="the token in the wrong place"),
        pytest.param("C4C_BASE_URL", "ftp://user:hidden@my1.example", id="an address with a password"),
        pytest.param("SYNC_ALERT_WEBHOOK", "hooks.example/hidden", id="an address that is a secret itself"),
        pytest.param("C4C_PASSWORD_FILE", "hidden", id="the secret instead of its file"),
    ],
)
def test_a_value_that_may_be_a_secret_is_not_repeated(name: str, value: str) -> None:
    [found] = complaints(GOOD | {name: value})
    assert found.startswith(f"{name}: ")
    assert "hidden" not in found


def test_a_file_is_named_by_either_form(pem: str) -> None:
    given = without("C4C_USERNAME", "C4C_PASSWORD", C4C_CLIENT_CERT_FILE=pem, C4C_CLIENT_KEY=pem)
    assert read_all(given)[1].client_cert == Path(pem)
    assert settings(Environment(given)).client_cert == Path(pem)


def test_a_key_in_place_of_a_path_is_refused_and_never_shown(pem: str) -> None:
    given = without("C4C_USERNAME", "C4C_PASSWORD", C4C_CLIENT_CERT=pem, C4C_CLIENT_KEY="-----BEGIN KEY-----\nabc")
    assert complaints(given) == [
        "C4C_CLIENT_KEY: holds the PEM text itself; store it in a file and set the file's path"
    ]
