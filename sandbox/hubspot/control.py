"""The HubSpot half of the control port: what marketing does in the portal, and the switches of the stand-in."""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.hubspot.schema import KINDS, Property
from sandbox.hubspot.store import HubSpotStore

Action = Callable[[Request, dict[str, Any]], Any]


def routes(store: HubSpotStore) -> list[Route]:
    """Routes to be mounted under /hubspot."""
    records = [route for kind in KINDS for route in _records(store, kind)]
    return [*records, *_associations(store), *_labels(store), *_owners(store), *_properties(store), *_settings(store)]


def _records(store: HubSpotStore, kind: str) -> list[Route]:
    def create(request: Request, body: dict[str, Any]) -> Any:
        return {"id": store.create(kind, body.get("properties", {})).id}

    def change(request: Request, body: dict[str, Any]) -> Any:
        properties, source = body.get("properties", {}), body.get("source")
        by = (str(source["type"]), str(source["id"])) if source else None
        return {"id": store.update(kind, _id(request), properties, touch=body.get("touch", True), source=by).id}

    def merge(request: Request, body: dict[str, Any]) -> Any:
        return {"id": store.merge(kind, str(body["primary"]), str(body["other"])).id}

    return [
        _route(f"/{kind}", "POST", create),
        _route(f"/{kind}/merge", "POST", merge),
        _route(f"/{kind}/{{id}}", "PATCH", change),
        _route(f"/{kind}/{{id}}/archive", "POST", lambda request, body: store.archive(kind, _id(request))),
        _route(f"/{kind}/{{id}}/restore", "POST",
               lambda request, body: store.restore(kind, _id(request), touch=body.get("touch", False))),
        _route(f"/{kind}/{{id}}/erase", "POST", lambda request, body: store.erase(kind, _id(request))),
    ]  # fmt: skip


def _associations(store: HubSpotStore) -> list[Route]:
    def put(request: Request, body: dict[str, Any]) -> Any:
        contact, company = str(body["contact_id"]), str(body["company_id"])
        store.associate(contact, company, body.get("labels", []), touch=body.get("touch", False))

    def delete(request: Request, body: dict[str, Any]) -> Any:
        contact, company = str(body["contact_id"]), str(body["company_id"])
        store.dissociate(contact, company, touch=body.get("touch", False))

    return [_route("/associations", "PUT", put), _route("/associations", "DELETE", delete)]


def _labels(store: HubSpotStore) -> list[Route]:
    def add(request: Request, body: dict[str, Any]) -> Any:
        return {"typeId": store.links.add_label(body["label"], body.get("typeId"))}

    def rename(request: Request, body: dict[str, Any]) -> Any:
        store.links.rename_label(int(_id(request)), body["label"])

    def remove(request: Request, body: dict[str, Any]) -> Any:
        store.links.remove_label(int(_id(request)))

    return [
        _route("/labels", "POST", add),
        _route("/labels/{id}", "PATCH", rename),
        _route("/labels/{id}", "DELETE", remove),
    ]


def _owners(store: HubSpotStore) -> list[Route]:
    def add(request: Request, body: dict[str, Any]) -> Any:
        owner = store.add_owner(
            body["email"], body.get("firstName", ""), body.get("lastName", ""), owner_id=body.get("id"),
            user_id=body.get("userId"), archived=body.get("archived", False),
        )  # fmt: skip
        return owner.as_json()

    def change(request: Request, body: dict[str, Any]) -> Any:
        owner = store.owners[_id(request)]
        attributes = {"email": "email", "firstName": "first_name", "lastName": "last_name", "archived": "archived"}
        for name, value in body.items():
            setattr(owner, attributes[name], value)
        return owner.as_json()

    return [_route("/owners", "POST", add), _route("/owners/{id}", "PATCH", change)]


def _properties(store: HubSpotStore) -> list[Route]:
    def define(request: Request, body: dict[str, Any]) -> Any:
        options = tuple(_option(option) for option in body.get("options", []))
        field_type = body.get("fieldType", "text")
        store.define(_kind(request), Property(
            body["name"], body.get("label", body["name"]), body.get("type", "string"), field_type, options,
            score=field_type == "calculation_score", extra={"custom": True},
        ))  # fmt: skip
        return {"name": body["name"]}

    def undefine(request: Request, body: dict[str, Any]) -> Any:
        store.undefine(_kind(request), request.path_params["name"])

    return [
        _route("/properties/{type}", "POST", define),
        _route("/properties/{type}/{name}", "DELETE", undefine),
    ]


def _settings(store: HubSpotStore) -> list[Route]:
    def change(request: Request, body: dict[str, Any]) -> Any:
        store.patch_settings(body)
        return store.settings.as_dict()

    return [
        _route("/settings", "GET", lambda request, body: store.settings.as_dict()),
        _route("/settings", "PATCH", change),
    ]


def _option(option: Any) -> str:
    return str(option["value"]) if isinstance(option, dict) else str(option)


def _id(request: Request) -> str:
    return str(request.path_params["id"])


def _kind(request: Request) -> str:
    kind = str(request.path_params["type"])
    if kind not in KINDS:
        raise ValueError(f"no object type {kind!r}")
    return kind


def _route(path: str, method: str, action: Action) -> Route:
    return Route(path, _endpoint(action), methods=[method])


def _endpoint(action: Action) -> Callable[[Request], Awaitable[Response]]:
    """Plain functions as JSON handlers; what a test got wrong is answered in words."""

    async def endpoint(request: Request) -> Response:
        body = await request.json() if await request.body() else {}
        try:
            answer = action(request, body)
        except KeyError as error:
            return JSONResponse({"error": f"not found: {error.args[0]}"}, 404)
        except ValueError as error:
            return JSONResponse({"error": str(error)}, 400)
        return JSONResponse({"ok": True} if answer is None else answer)

    return endpoint
