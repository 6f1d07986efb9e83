"""The HTTP face of the C4C stand-in: authentication, CSRF, the slash, lengths and latency round the OData service."""

from __future__ import annotations

import asyncio
import base64
import time

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.c4c import PASSWORD, ROOT, USERNAME, batch, framing, locks
from sandbox.c4c.errors import Refused, bad_request
from sandbox.c4c.service import WRITES, Operation, Result, Service
from sandbox.c4c.store import C4CStore

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "MERGE"]
_CREDENTIALS = "Basic " + base64.b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()


def build_app(store: C4CStore) -> Starlette:
    async def endpoint(request: Request) -> Response:
        started = time.perf_counter()
        response = await _answer(store, request)
        response.headers["c4c-odata-response-time"] = f"{int((time.perf_counter() - started) * 1000)} ms"
        return response

    return Starlette(routes=[Route("/{path:path}", endpoint, methods=_METHODS)])


async def _answer(store: C4CStore, request: Request) -> Response:
    path = request.url.path
    if len(path) + len(request.url.query) > store.settings.url_limit:
        return Response("<html><body>Request-URI Too Long</body></html>", 414, media_type="text/html")
    if not _authenticated(request):
        challenge = {"www-authenticate": 'Basic realm="SAP NetWeaver Application Server [SBX/100]"'}
        return Response("<html><body>Logon failed</body></html>", 401, challenge, "text/html")
    if path == ROOT:
        return Response(status_code=307, headers={"location": ROOT + "/"})
    operation = await _operation(request)
    service = Service(store, f"{request.url.scheme}://{request.url.netloc}")
    try:
        address = request.scope["raw_path"] + b"?" + request.scope["query_string"]
        if not framing.is_url(address.decode("latin-1")):
            raise bad_request("Invalid address; it must be percent-encoded")
        if not path.startswith(ROOT + "/"):
            raise Refused(404, f"Service {path} not found")
        if request.method in WRITES:
            _check_csrf(store, request)
        return _response(store, request, await _run(store, service, operation))
    except Refused as refused:
        return _response(store, request, service.refusal(operation, refused))


async def _operation(request: Request) -> Operation:
    headers = {name.lower(): value for name, value in request.headers.items()}
    path = request.scope["path"].removeprefix(ROOT + "/")
    return Operation(request.method, path, request.url.query, headers, await request.body(), request.scope["path"])


async def _run(store: C4CStore, service: Service, operation: Operation) -> Result:
    if operation.path == "$batch" and operation.method == "POST":
        parts = batch.parse(operation.header("content-type"), operation.body, operation.outer_path)
        whole = batch.Batch(service, parts)
        batch.refuse_as_a_whole(store.settings, whole.operations)
        with locks.held(store, whole.operations) as locked:
            await _latency(store)
            return whole.run(locked)
    with locks.held(store, [operation]) as locked:
        await _latency(store)
        return service.handle(operation, locked[0])


async def _latency(store: C4CStore) -> None:
    if store.settings.latency_seconds:
        await asyncio.sleep(store.settings.latency_seconds)


def _authenticated(request: Request) -> bool:
    """Basic, or the stand-in for a client certificate, which no plain HTTP connection could carry."""
    if request.headers.get("x-client-cert") == "sandbox":
        return True
    return request.headers.get("authorization") == _CREDENTIALS


def _check_csrf(store: C4CStore, request: Request) -> None:
    if store.settings.csrf != "required":
        return
    token = request.headers.get("x-csrf-token", "")
    if not store.csrf.valid(token, dict(request.cookies), store.settings.csrf_expires_after):
        headers = {"x-csrf-token": "Required"} if store.settings.csrf_header else {}
        raise Refused(403, "CSRF token validation failed", "/IWFND/CM_MGW/403", headers)


def _response(store: C4CStore, request: Request, result: Result) -> Response:
    response = Response(result.body, result.status, dict(result.headers))
    if result.content_type:
        response.headers["content-type"] = result.content_type
    fetching = request.headers.get("x-csrf-token", "").lower() == "fetch"
    if fetching and request.method == "GET" and request.url.path == ROOT + "/" and result.status == 200:
        token, cookies = store.csrf.fetch()
        response.headers["x-csrf-token"] = token
        for name, value in cookies.items():
            response.headers.append("set-cookie", f"{name}={value}; path=/; HttpOnly")
    return response
