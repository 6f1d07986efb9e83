"""The control port: what a test does to the world behind the systems' backs, and what it reads as the truth."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.routing import Mount, Route, Router
from starlette.types import Receive, Scope, Send

from sandbox.answers import JSONResponse
from sandbox.c4c.control import routes as c4c_routes
from sandbox.c4c.errors import Refused
from sandbox.hubspot.control import routes as hubspot_routes
from sandbox.world import World

_WRONG_INPUT = (
    ValueError,
    LookupError,
    TypeError,
    Refused,
)  # the control port trusts its user, but says what was wrong


class OverWorld:
    """A system's own control routes, over whatever store the world holds at the moment (a reset replaces it)."""

    def __init__(self, world: World, build: Callable[[World], list[Route]]) -> None:
        self._world, self._build = world, build
        self._router: Router | None = None
        self._generation = -1

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._router is None or self._generation != self._world.generation:
            self._router, self._generation = Router(self._build(self._world)), self._world.generation
        await self._router(scope, receive, send)


def build_app(world: World) -> Starlette:
    handlers = Handlers(world)
    return Starlette(
        routes=[
            Route("/health", handlers.health),
            Route("/reset", handlers.reset, methods=["POST"]),
            Route("/seed", handlers.seed, methods=["POST"]),
            Route("/clock", handlers.clock, methods=["GET", "POST"]),
            Route("/truth", handlers.truth, methods=["GET", "PUT"]),
            Route("/faults", handlers.faults, methods=["GET", "POST", "DELETE"]),
            Route("/requests", handlers.requests, methods=["GET", "DELETE"]),
            Route("/requests/log", handlers.request_log),
            Route("/violations", handlers.violations, methods=["GET", "DELETE"]),
            Mount("/hubspot", app=OverWorld(world, lambda w: hubspot_routes(w.hubspot))),
            Mount("/c4c", app=OverWorld(world, lambda w: c4c_routes(w.c4c))),
        ],
        exception_handlers={HTTPException: _http_error} | dict.fromkeys(_WRONG_INPUT, _bad_value),
    )


class Handlers:
    def __init__(self, world: World) -> None:
        self.world = world

    async def health(self, request: Request) -> JSONResponse:
        return JSONResponse({"ok": True})

    async def reset(self, request: Request) -> JSONResponse:
        self.world.reset()
        return JSONResponse({"ok": True})

    async def seed(self, request: Request) -> JSONResponse:
        wanted = {"contacts": 500, "companies": 120, "seed": 1} | await _json(request)
        self.world.reset()
        self.world.seed(**wanted)
        return JSONResponse({"ok": True, **wanted})

    async def clock(self, request: Request) -> JSONResponse:
        if request.method == "POST":
            self.world.clock.advance(float((await _json(request))["advance_seconds"]))
        return JSONResponse({"now": self.world.clock.now().isoformat()})

    async def truth(self, request: Request) -> JSONResponse:
        if request.method == "PUT":
            self.world.take_over(await _json(request))
            return JSONResponse({"ok": True})
        system = request.query_params.get("system")
        names = request.query_params.get("entities")
        answer: dict[str, Any] = {}
        if system in (None, "hubspot"):
            answer["hubspot"] = self.world.hubspot.truth()
        if system in (None, "c4c"):
            answer["c4c"] = self.world.c4c.truth(names.split(",") if names else None)
        return JSONResponse(answer)

    async def faults(self, request: Request) -> JSONResponse:
        if request.method == "POST":
            return JSONResponse({"id": self.world.faults.add(await _json(request))})
        if request.method == "DELETE":
            self.world.faults.clear()
        return JSONResponse(self.world.faults.overview())

    async def requests(self, request: Request) -> JSONResponse:
        if request.method == "DELETE":
            self.world.counters.clear()
            self.world.c4c.activity.clear()
        c4c = self.world.counters.summary("c4c") | self.world.c4c.activity.summary()
        return JSONResponse({"hubspot": self.world.counters.summary("hubspot"), "c4c": c4c})

    async def request_log(self, request: Request) -> JSONResponse:
        return JSONResponse(self.world.counters.entries(request.query_params.get("system")))

    async def violations(self, request: Request) -> JSONResponse:
        """What the strict front refused; a reset of the world leaves the list as it is."""
        if request.method == "DELETE":
            self.world.violations.clear()
        return JSONResponse(self.world.violations.as_json())


async def _json(request: Request) -> dict[str, Any]:
    body = await request.body()
    value = json.loads(body) if body else {}
    if not isinstance(value, dict):
        raise HTTPException(400, "the body must be a JSON object")
    return value


async def _http_error(request: Request, error: Exception) -> JSONResponse:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return JSONResponse({"error": getattr(error, "detail", str(error))}, status)


async def _bad_value(request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"error": str(error)}, 400)
