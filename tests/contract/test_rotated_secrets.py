"""Secrets that are replaced while both clients work, and a password that must not be sent again."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hubspot_server import Answer, Asked, Portal, running

from sync.c4c.client import C4CClient
from sync.errors import Denied
from sync.hubspot_client import HubSpotClient
from sync.net.credentials import Password, Secret
from sync.transport import RequestRetry

EDMX = b'<Edmx><Schema><EntityType Name="Lead"><Property Name="Name" Type="Edm.String"/></EntityType></Schema></Edmx>'
ONCE = RequestRetry(attempts=1, wait=0)


class Guarded(Portal):
    """Accepts one secret, as token or as password of the user `sync`."""

    accepted = "old-secret"

    def next_answer(self) -> Answer:
        good = Answer(body=EDMX) if "$" in self.asked[-1].path else Answer()
        return good if sent(self.asked[-1]) == self.accepted else Answer(401, {})


def sent(asked: Asked) -> str:
    kind, _, value = asked.headers["authorization"].partition(" ")
    return value if kind == "Bearer" else base64.b64decode(value).decode().partition(":")[2]


@pytest.fixture
def guarded() -> Iterator[Guarded]:
    with running(Guarded) as server:
        yield server


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text("old-secret", encoding="utf-8")
    return path


def hubspot(server: Portal, file: Path) -> HubSpotClient:
    return HubSpotClient(server.url, Secret("old-secret", "HUBSPOT_ACCESS_TOKEN", file), retry=ONCE)


def c4c(server: Portal, file: Path) -> C4CClient:
    password = Password(Secret("sync"), Secret("old-secret", "C4C_PASSWORD", file))
    return C4CClient(server.url, password, retry=ONCE)


def test_a_new_token_serves_the_next_request(guarded: Guarded, file: Path) -> None:
    client = hubspot(guarded, file)
    client.labels()
    guarded.accepted = "new-secret"
    file.write_text("new-secret", encoding="utf-8")
    client.labels()
    assert [sent(asked) for asked in guarded.asked] == ["old-secret", "new-secret"]


def test_a_refused_token_is_read_again_and_each_one_is_tried_once(guarded: Guarded, file: Path) -> None:
    client = hubspot(guarded, file)
    guarded.accepted = "new-secret"
    with pytest.raises(Denied, match="HUBSPOT_ACCESS_TOKEN"):
        client.labels()
    assert [sent(asked) for asked in guarded.asked] == ["old-secret"]


@pytest.mark.parametrize("make", [hubspot, c4c])
def test_a_refusal_has_the_file_read_whatever_its_date_says(
    make: Callable[..., Any], guarded: Guarded, file: Path
) -> None:
    client = make(guarded, file)
    before = file.stat()
    guarded.accepted = "new-secret"
    file.write_text("new-secret", encoding="utf-8")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    client.labels() if make is hubspot else client.metadata(["Lead"])
    assert [sent(asked) for asked in guarded.asked] == ["old-secret", "new-secret"]


def test_a_new_password_serves_the_next_request(guarded: Guarded, file: Path) -> None:
    client = c4c(guarded, file)
    client.metadata(["Lead"])
    guarded.accepted = "new-secret"
    file.write_text("new-secret", encoding="utf-8")
    client.metadata(["Lead"])
    assert [sent(asked) for asked in guarded.asked] == ["old-secret", "new-secret"]


def test_an_old_password_is_not_sent_again(guarded: Guarded, file: Path) -> None:
    client = c4c(guarded, file)
    guarded.accepted = "new-secret"
    messages = []
    for _ in range(10):
        with pytest.raises(Denied) as raised:
            client.metadata(["Lead"])
        messages.append(str(raised.value))
    assert [sent(asked) for asked in guarded.asked] == ["old-secret"] * 3
    assert "the credentials were refused (401)" in messages[2]
    assert "were refused 3 times and are not sent again" in messages[3]
    file.write_text("new-secret", encoding="utf-8")
    client.metadata(["Lead"])
    assert [sent(asked) for asked in guarded.asked[3:]] == ["new-secret"]


def test_a_success_between_refusals_keeps_the_password_in_use(guarded: Guarded, file: Path) -> None:
    client = c4c(guarded, file)
    for accepted in ("", "old-secret", "", "", "old-secret"):
        guarded.accepted = accepted
        if accepted:
            client.metadata(["Lead"])
        else:
            with pytest.raises(Denied):
                client.metadata(["Lead"])
    assert len(guarded.asked) == 5
