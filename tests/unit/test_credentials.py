"""Secrets that change while the program runs, and passwords that were refused."""

import os
from pathlib import Path

import pytest
from running import logged

from sync.log import redact
from sync.net.credentials import REFUSALS, Gate, Password, Secret


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text("first-secret\n", encoding="utf-8")
    return path


def of(file: Path) -> Secret:
    return Secret("first-secret", "C4C_PASSWORD", file)


def same_fingerprint(file: Path, text: str) -> None:
    """Another content of the same length, at the same date."""
    before = file.stat()
    file.write_text(f"{text}\n", encoding="utf-8")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_a_file_that_changed_is_read_again_once(file: Path) -> None:
    secret = of(file)
    file.write_text("second-secret", encoding="utf-8")
    with logged() as lines:
        assert [secret.value, secret.value] == ["second-secret", "second-secret"]
    assert [(line["event"], line["field"]) for line in lines] == [("credentials_read", "C4C_PASSWORD")]
    assert secret.version == 1
    assert redact("a second-secret here") == "a … here"


def test_a_file_that_was_replaced_is_read_again(file: Path) -> None:
    """As Kubernetes does it: a link leads to another directory from now on."""
    link = file.with_name("link")
    link.symlink_to(file)
    secret = Secret("first-secret", "C4C_PASSWORD", link)
    other = file.with_name("other")
    other.write_text("other-secret", encoding="utf-8")
    link.unlink()
    link.symlink_to(other)
    assert secret.value == "other-secret"


@pytest.mark.parametrize("content", [b"", b" \n", b"two\nlines", b"\xff\xfe", "€".encode()])
def test_what_no_secret_can_be_leaves_the_former_one(content: bytes, file: Path) -> None:
    secret = of(file)
    file.write_bytes(content)
    assert (secret.value, secret.version) == ("first-secret", 0)
    file.unlink()
    assert (secret.value, secret.version) == ("first-secret", 0)


def test_a_refusal_has_the_file_read_whatever_its_date_says(file: Path) -> None:
    secret = of(file)
    same_fingerprint(file, "later-secret")
    assert secret.value == "first-secret"
    secret.reread()
    assert (secret.value, secret.version) == ("later-secret", 1)
    secret.reread()
    assert secret.version == 1


def test_a_touch_is_a_new_version_of_the_same_password(file: Path) -> None:
    password = Password(Secret("sync"), of(file))
    before = password.version()
    os.utime(file, ns=(1, 1))
    assert password.version() != before
    assert password.password.value == "first-secret"


def test_a_secret_is_in_no_representation(file: Path) -> None:
    assert "first-secret" not in repr(of(file)) + repr(Password.of("sync", "first-secret"))


def test_a_name_is_not_concealed() -> None:
    Password.of("worker", "hidden-word").conceal()
    assert redact("worker hidden-word") == "worker …"


def test_the_gate_closes_after_some_refusals_in_a_row() -> None:
    gate = Gate()
    for _ in range(REFUSALS - 1):
        gate.note("v1", refused=True)
    assert not gate.closed("v1")
    gate.note("v1", refused=True)
    assert gate.closed("v1")
    assert not gate.closed("v2")


def test_a_success_in_between_and_another_version_begin_anew() -> None:
    gate = Gate()
    for version, refused in [("v1", True), ("v1", True), ("v1", False), ("v1", True), ("v1", True), ("v2", True)]:
        gate.note(version, refused=refused)
    assert not gate.closed("v1")
    assert not gate.closed("v2")
