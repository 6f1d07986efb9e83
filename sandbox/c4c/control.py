"""What a test does inside C4C as if sales did it: create, edit, delete, close leads, merge; the tenant's settings."""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from sandbox.c4c import leads
from sandbox.c4c.errors import Refused
from sandbox.c4c.model import ENTITIES
from sandbox.c4c.store import C4CStore

_STATUS_FIELDS = {"CorporateAccount": "LifeCycleStatusCode", "Contact": "StatusCode"}


def routes(store: C4CStore) -> list[Route]:
    control = Control(store)
    return [
        Route("/settings", control.settings, methods=["GET", "PATCH"]),
        Route("/merge", control.merge, methods=["POST"]),
        Route("/leads/{object_id}/{action}", control.lead_action, methods=["POST"]),
        Route("/{entity}/{object_id}/copy", control.copy, methods=["POST"]),
        Route("/{entity}", control.create, methods=["POST"]),
        Route("/{entity}/{object_id}", control.edit, methods=["PATCH", "DELETE"]),
    ]


class Control:
    def __init__(self, store: C4CStore) -> None:
        self.store = store

    async def settings(self, request: Request) -> JSONResponse:
        if request.method == "PATCH":
            self.store.settings.update(await _json(request))
        return JSONResponse(self.store.settings.as_dict())

    async def create(self, request: Request) -> JSONResponse:
        with self.store.atomic():
            created = self.store.create(_entity(request), await _json(request))
        return JSONResponse(self._row(_entity(request), created["ObjectID"]))

    async def copy(self, request: Request) -> JSONResponse:
        """A salesperson (or the user `by`) copies a record: custom fields go along, ids and times are its own."""
        entity, object_id = _entity(request), request.path_params["object_id"]
        original = self.store.get(entity, object_id)
        if original is None:
            raise Refused(404, f"no {entity} {object_id}")
        fields = ENTITIES[entity].fields
        kept = {name: value for name, value in original.items() if name in fields and fields[name].creatable}
        with self.store.atomic():
            by = request.query_params.get("by", "SALES")
            made = self.store.create(entity, {**kept, **await _json(request)}, by=by)
        return JSONResponse(self._row(entity, made["ObjectID"]))

    async def edit(self, request: Request) -> JSONResponse:
        entity, object_id = _entity(request), request.path_params["object_id"]
        with self.store.atomic():
            if request.method == "DELETE":
                self.store.delete(entity, object_id)
                return JSONResponse({"ok": True})
            self.store.change(entity, object_id, await _json(request))
        return JSONResponse(self._row(entity, object_id))

    async def lead_action(self, request: Request) -> JSONResponse:
        action = leads.ACTIONS.get(request.path_params["action"])
        if action is None:
            raise ValueError(f"unknown action {request.path_params['action']}")
        action(self.store, request.path_params["object_id"])
        return JSONResponse(self._row("Lead", request.path_params["object_id"]))

    async def merge(self, request: Request) -> JSONResponse:
        """The one merged away stays, as obsolete."""
        wanted = await _json(request)
        if self.store.get(wanted["entity"], wanted["into"]) is None:
            raise Refused(400, f"no {wanted['entity']} {wanted['into']}")
        self.store.change(wanted["entity"], wanted["from"], {_STATUS_FIELDS[wanted["entity"]]: "4"})
        return JSONResponse(self._row(wanted["entity"], wanted["from"]))

    def _row(self, entity: str, object_id: str) -> dict[str, Any]:
        return self.store.full(entity, self.store.get(entity, object_id) or {})


def _entity(request: Request) -> str:
    name = str(request.path_params["entity"])
    if name not in ENTITIES:
        raise ValueError(f"unknown entity {name}")
    return name


async def _json(request: Request) -> dict[str, Any]:
    value = json.loads(await request.body() or b"{}")
    return dict(value)
