"""HubSpot's paths, in the dated family 2026-09 and in the legacy family v3/v4."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.hubspot.associations import Associations
from sandbox.hubspot.errors import HubSpotError
from sandbox.hubspot.guard import Handler, answer, guarded
from sandbox.hubspot.objects import Objects
from sandbox.hubspot.portal import Portal
from sandbox.hubspot.store import HubSpotStore

DATED = "2026-09"


def build_app(store: HubSpotStore) -> Starlette:
    """The HubSpot API over one portal."""

    async def unknown(request: Request, error: Exception) -> Response:
        return answer(store, HubSpotError(404, "The requested resource does not exist", "OBJECT_NOT_FOUND"))

    async def not_allowed(request: Request, error: Exception) -> Response:
        return answer(store, HubSpotError(405, "Method not allowed", None))

    app = Starlette(
        routes=[*_dated(store), *_legacy(store), *_usage(store)],
        exception_handlers={404: unknown, 405: not_allowed},
    )
    app.router.redirect_slashes = False
    return app


def _dated(store: HubSpotStore) -> list[Route]:
    # 2026-09 has no 207: errors and numErrors are part of the 200 answer (HubSpot API spec, v3 compared to 2026-09).
    base = f"/crm/objects/{DATED}/{{type}}"
    links = f"/crm/associations/{DATED}/{{from}}/{{to}}"
    return [
        *_objects(store, base, Objects(store, 200)),
        *_associations(store, links, Associations(store, 200)),
        *_portal(store, f"/crm/owners/{DATED}", f"/crm/properties/{DATED}"),
    ]


def _legacy(store: HubSpotStore) -> list[Route]:
    associations = Associations(store, 207)
    single = "/crm/v4/objects/{from}/{id}/associations/{to}"
    return [
        *_objects(store, "/crm/v3/objects/{type}", Objects(store, 207)),
        *_associations(store, "/crm/v4/associations/{from}/{to}", associations),
        _route(store, single, "GET", associations.single),
        *_portal(store, "/crm/v3/owners", "/crm/v3/properties"),
    ]


def _objects(store: HubSpotStore, base: str, objects: Objects) -> list[Route]:
    return [
        Route(f"{base}/search", guarded(store, objects.search, search=True), methods=["POST"]),
        _route(store, f"{base}/batch/read", "POST", objects.batch_read),
        _route(store, base, "GET", objects.page),
        _route(store, f"{base}/{{id}}", "GET", objects.one),
    ]


def _associations(store: HubSpotStore, base: str, associations: Associations) -> list[Route]:
    return [
        _route(store, f"{base}/batch/read", "POST", associations.batch_read),
        _route(store, f"{base}/labels", "GET", associations.labels),
    ]


def _portal(store: HubSpotStore, owners: str, properties: str) -> list[Route]:
    portal = Portal(store)
    return [
        _route(store, owners, "GET", portal.owners),
        _route(store, f"{owners}/", "GET", portal.owners),  # the official Python client sends the slash
        _route(store, f"{owners}/{{id}}", "GET", portal.owner),
        _route(store, f"{properties}/{{type}}", "GET", portal.properties),
        _route(store, f"{properties}/{{type}}/{{name}}", "GET", portal.property),
    ]


def _usage(store: HubSpotStore) -> list[Route]:
    return [
        _route(store, "/account-info/v3/api-usage/daily/private-apps", "GET", Portal(store).usage),
        _route(store, "/account-info/v3/details", "GET", Portal(store).details),
    ]


def _route(store: HubSpotStore, path: str, method: str, handler: Handler) -> Route:
    return Route(path, guarded(store, handler), methods=[method])
