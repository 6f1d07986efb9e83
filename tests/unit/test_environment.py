"""Settings from the environment: every mistake is named with setting, what was found and what to do — all at once."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
import trustme
from tls import PHRASE, Files, bundle, client_files

from sync.environment import C4CAccess, Environment, HubSpotAccess, c4c_access, hubspot_access, settings
from sync.errors import ConfigurationError
from sync.net.certificates import ClientCertificate
from sync.net.connections import Trust
from sync.net.credentials import Password

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


def password_of(access: C4CAccess) -> tuple[str, str]:
    assert isinstance(access.identity, Password)
    return access.identity.username.value, access.identity.password.value


def test_good_settings() -> None:
    hubspot, c4c = read_all(GOOD)
    assert (hubspot.base_url, hubspot.token.value) == ("https://api.hubapi.com", "pat-1")
    assert c4c.base_url == "https://my1.crm.ondemand.com"
    assert password_of(c4c) == ("sync", "secret")


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
    assert {"HUBSPOT_ACCESS_TOKEN": hubspot.token.value, "C4C_PASSWORD": password_of(c4c)[1]}[name] == "from file"


def test_an_empty_file_counts_as_missing(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("\n", encoding="utf-8")
    [found] = complaints(without("C4C_PASSWORD", C4C_PASSWORD_FILE=str(tmp_path / "secret")))
    assert found.startswith("C4C_PASSWORD is missing")


def test_an_empty_name_of_a_file_counts_as_missing() -> None:
    assert password_of(read_all(GOOD | {"C4C_PASSWORD_FILE": " "})[1]) == ("sync", "secret")


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
        pytest.param("SYNC_PAGE_PORT", "page", ["port number"], id="the page's port"),
        pytest.param("SYNC_PAGE_HOST", "evil", ["127.0.0.1", "::"], id="the page's interface"),
        pytest.param("SYNC_PAGE_NAMES", "yes", ["0, 1"], id="names on the page"),
        pytest.param("SYNC_PAGE_PROXIES", "10.0.0.300", ["10.0.0.7", "networks"], id="a proxy"),
        pytest.param("SYNC_PAGE_HOSTS", "https://page.example", ["without scheme"], id="a name of the page"),
        pytest.param("SYNC_PAGE_USER_HEADER", "a b", ["header"], id="the header of a proxy"),
    ],
)
def test_choices(name: str, value: str, allowed: list[str]) -> None:
    [found] = complaints(GOOD | {name: value})
    assert found.startswith(f"{name}: found '{value}'")
    assert [word for word in allowed if word not in found] == []


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_the_page_is_open_to_other_machines_only_with_a_token_or_a_proxy(host: str) -> None:
    [found] = complaints(GOOD | {"SYNC_PAGE_HOST": host})
    assert found.startswith(f"SYNC_PAGE_HOST: found {host}")
    assert "SYNC_PAGE_TOKEN" in found
    for name, value in (("SYNC_PAGE_TOKEN", "t0ken"), ("SYNC_PAGE_PROXIES", "10.0.0.7, 10.1.0.0/16")):
        assert settings(Environment(GOOD | {"SYNC_PAGE_HOST": host, name: value})).page.host == host


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return client_files(trustme.CA().issue_cert("sync@company.example"), tmp_path_factory.mktemp("certificate"))


def by_certificate(cert: Path | str, key: Path | str, **more: str) -> dict[str, str]:
    return without("C4C_USERNAME", "C4C_PASSWORD", C4C_CLIENT_CERT=str(cert), C4C_CLIENT_KEY=str(key)) | more


def test_a_certificate_instead_of_a_password(files: Files) -> None:
    found = read_all(by_certificate(files.cert, files.key))[1].identity
    assert found == ClientCertificate(files.cert, files.key)
    assert settings(Environment(by_certificate(files.cert, files.key))).client_cert == files.cert


@pytest.mark.parametrize("ends", [("_FILE", ""), ("", "_FILE"), ("_FILE", "_FILE")])
def test_a_certificates_files_are_named_by_either_form(ends: tuple[str, str], files: Files) -> None:
    cert, key = (f"C4C_CLIENT_{name}{end}" for name, end in zip(("CERT", "KEY"), ends, strict=True))
    given = without("C4C_USERNAME", "C4C_PASSWORD", **{cert: str(files.cert), key: str(files.key)})
    assert read_all(given)[1].identity == ClientCertificate(files.cert, files.key)


def test_a_key_with_its_passphrase(files: Files, tmp_path: Path) -> None:
    read_all(by_certificate(files.cert, files.locked, C4C_CLIENT_KEY_PASSPHRASE=PHRASE))
    (tmp_path / "phrase").write_text(f"{PHRASE}\n", encoding="utf-8")
    read_all(by_certificate(files.cert, files.locked, C4C_CLIENT_KEY_PASSPHRASE_FILE=str(tmp_path / "phrase")))


SPLIT = (
    "is a PKCS#12 file (.p12, .pfx); split it: `openssl pkcs12 -in FILE -clcerts -nokeys -out client.pem` for "
    "C4C_CLIENT_CERT, `openssl pkcs12 -in FILE -nocerts -out client.key` for C4C_CLIENT_KEY"
)


@pytest.mark.parametrize(
    ("cert", "key", "phrase", "said"),
    [
        pytest.param(
            "cert",
            "locked",
            None,
            "C4C_CLIENT_KEY: is encrypted; set C4C_CLIENT_KEY_PASSPHRASE, or C4C_CLIENT_KEY_PASSPHRASE_FILE to a file "
            "that holds it",
            id="no passphrase",
        ),
        pytest.param(
            "cert",
            "locked",
            "wrong-1",
            "C4C_CLIENT_KEY_PASSPHRASE: does not open C4C_CLIENT_KEY",
            id="wrong passphrase",
        ),
        pytest.param(
            "key",
            "cert",
            None,
            "C4C_CLIENT_CERT, C4C_CLIENT_KEY: are swapped: the first holds the key, the second the certificate",
            id="swapped",
        ),
        pytest.param(
            "cert",
            "other",
            None,
            "C4C_CLIENT_KEY: is the key of another certificate than the first one in C4C_CLIENT_CERT; put the pair in "
            "place",
            id="the key of another certificate",
        ),
        pytest.param("p12", "key", None, f"C4C_CLIENT_CERT: {SPLIT}", id="p12 as certificate"),
        pytest.param("cert", "p12", None, f"C4C_CLIENT_KEY: {SPLIT}", id="p12 as key"),
        pytest.param(
            "der",
            "key",
            None,
            "C4C_CLIENT_CERT: is in DER form; write it as PEM: `openssl x509 -inform der -in FILE -out client.pem`",
            id="DER",
        ),
        pytest.param("cert", "cert", None, "C4C_CLIENT_KEY: holds no private key in PEM form", id="no key"),
        pytest.param("key", "key", None, "C4C_CLIENT_CERT: holds no certificate in PEM form", id="no certificate"),
        pytest.param(
            "torn",
            "key",
            None,
            "C4C_CLIENT_CERT, C4C_CLIENT_KEY: one of the files is damaged or of a kind that is not accepted; put the "
            "pair in place",
            id="torn certificate",
        ),
    ],
)
def test_files_that_do_not_fit_are_found_by_loading_them(
    cert: str, key: str, phrase: str | None, said: str, files: Files, tmp_path: Path
) -> None:
    other = client_files(trustme.CA().issue_cert("sync@company.example"), tmp_path, "other")
    (tmp_path / "torn.pem").write_text(files.cert.read_text(encoding="ascii").replace("M", "", 1), encoding="ascii")
    there = vars_of(files) | {"other": other.key, "torn": tmp_path / "torn.pem"}
    more = {"C4C_CLIENT_KEY_PASSPHRASE": phrase} if phrase else {}
    assert complaints(by_certificate(there[cert], there[key], **more)) == [said]


def vars_of(files: Files) -> dict[str, Path]:
    return {field.name: getattr(files, field.name) for field in dataclasses.fields(files)}


@pytest.mark.parametrize("have", ["C4C_CLIENT_CERT", "C4C_CLIENT_KEY"])
def test_half_a_certificate_is_none(have: str, files: Files) -> None:
    missing = ({"C4C_CLIENT_CERT", "C4C_CLIENT_KEY"} - {have}).pop()
    [found] = complaints(without("C4C_USERNAME", "C4C_PASSWORD", **{have: str(files.cert)}))
    assert found.startswith(f"{missing} is missing")


def test_a_certificate_that_is_not_there_is_no_certificate(files: Files) -> None:
    given = by_certificate("/nowhere.pem", files.key)
    assert complaints(given) == ["C4C_CLIENT_CERT: names a file that cannot be read; check path and rights"]


def test_a_key_in_place_of_a_path_is_refused_and_never_shown(files: Files) -> None:
    given = by_certificate(files.cert, "-----BEGIN KEY-----\nabc")
    assert complaints(given) == [
        "C4C_CLIENT_KEY: holds the PEM text itself; store it in a file and set the file's path"
    ]


# ---- trusted authorities


def test_authorities_of_ones_own_come_on_top(tmp_path: Path) -> None:
    path = bundle(trustme.CA(), tmp_path / "ca.pem")
    for name in ("SYNC_CA_BUNDLE", "SYNC_CA_BUNDLE_FILE"):
        assert settings(Environment({name: path})).trust == Trust((), Path(path))


def test_what_replaces_the_systems_store(tmp_path: Path) -> None:
    paths = [bundle(trustme.CA(), tmp_path / f"{n}.pem") for n in range(2)]
    given = {"REQUESTS_CA_BUNDLE": paths[0], "SSL_CERT_FILE": paths[1], "SSL_CERT_DIR": f"{tmp_path}:/nowhere"}
    found = settings(Environment(given)).trust
    assert found == Trust((Path(paths[0]), Path(paths[1]), tmp_path), None)
    assert found.context().cert_store_stats()["x509_ca"] == 2


def test_without_any_setting_the_systems_store_is_believed() -> None:
    assert settings(Environment({})).trust == Trust()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        pytest.param("SYNC_CA_BUNDLE", None, "SYNC_CA_BUNDLE: names a file that cannot be read", id="no file"),
        pytest.param("SYNC_CA_BUNDLE", "text", "SYNC_CA_BUNDLE: {path}: holds no certificates in PEM form", id="text"),
        pytest.param("REQUESTS_CA_BUNDLE", None, "REQUESTS_CA_BUNDLE: names a file that cannot be read", id="no store"),
    ],
)
def test_authorities_that_cannot_be_read(name: str, content: str | None, said: str, tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    if content:
        path.write_text(content, encoding="ascii")
    [found] = complaints(GOOD | {name: str(path)})
    assert found.startswith(said.format(path=path))


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
    assert (
        found == "C4C_BASE_URL: holds a user name or password, which would show in messages; write it as https://host"
    )


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


def test_a_host_that_no_name_server_can_have_is_no_web_address() -> None:
    [problem] = complaints(GOOD | {"SYNC_ALERT_WEBHOOK": f"https://{'a' * 64}.example/x"})
    assert problem == "SYNC_ALERT_WEBHOOK: is not a web address; write it as https://host"
    read_all(GOOD | {"SYNC_ALERT_WEBHOOK": f"https://{'a' * 63}.example/x"})
