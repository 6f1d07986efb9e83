"""A small C4C client for these tests: it does what the guide says, so that each test can do one thing differently."""

from __future__ import annotations

import json
from typing import Any

import requests
from running import TIMEOUT
from world.sandbox import unkept

ROOT = "/sap/c4c/odata/v1/c4codataapi/"
JSON = {"Accept": "application/json", "Content-Type": "application/json"}


class Api:
    def __init__(self, host: str, username: str, password: str) -> None:
        self.host, self.root = host, host + ROOT
        self.session = unkept()
        self.session.auth = (username, password)
        self.token = ""

    def fetch_token(self) -> str:
        answer = self.session.get(self.root, headers={"x-csrf-token": "fetch"}, timeout=TIMEOUT)
        self.token = answer.headers["x-csrf-token"]
        return self.token

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> requests.Response:
        if not self.token:
            self.fetch_token()
        sent = JSON | {"x-csrf-token": self.token} | {name.replace("_", "-"): value for name, value in headers.items()}
        data = body if isinstance(body, str | bytes | None) else json.dumps(body)
        return self.session.request(method, self.root + path, data=data, headers=sent, timeout=TIMEOUT)

    def get(self, path: str, **params: str) -> requests.Response:
        query = {"$" + name: value for name, value in params.items()}
        return self.session.get(self.root + path, params=query, headers={"Accept": "application/json"}, timeout=TIMEOUT)

    def rows(self, path: str, **params: str) -> list[dict[str, Any]]:
        answer = self.get(path, **params)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["d"]["results"])

    def create(self, set_name: str, **fields: Any) -> dict[str, Any]:
        answer = self.send("POST", set_name, fields)
        assert answer.status_code == 201, answer.text
        return dict(answer.json()["d"]["results"])

    def read(self, set_name: str, object_id: str) -> dict[str, Any]:
        answer = self.get(f"{set_name}('{object_id}')")
        assert answer.status_code == 200, answer.text
        return dict(answer.json()["d"]["results"])

    def refused(self, method: str, path: str, body: Any, status: int = 400, **headers: str) -> str:
        """The text of a refusal with that status."""
        answer = self.send(method, path, body, **headers)
        assert answer.status_code == status, f"{answer.status_code} {answer.text}"
        return str(answer.json()["error"]["message"]["value"])

    def batch(self, body: str, boundary: str = "b") -> requests.Response:
        headers = {"Content_Type": f"multipart/mixed; boundary={boundary}"}
        return self.send("POST", "$batch", body.replace("\n", "\r\n").encode(), **headers)


def read_part(path: str) -> str:
    return f"--b\nContent-Type: application/http\nContent-Transfer-Encoding: binary\n\nGET {path} HTTP/1.1\n\n\n"


def changeset(*operations: tuple[str, str, Any]) -> str:
    parts = "".join(
        "--c\nContent-Type: application/http\nContent-Transfer-Encoding: binary\n\n"
        f"{method} {path} HTTP/1.1\nContent-Type: application/json\nAccept: application/json\n\n{json.dumps(body)}\n"
        for method, path, body in operations
    )
    return f"--b\nContent-Type: multipart/mixed; boundary=c\n\n{parts}--c--\n"
