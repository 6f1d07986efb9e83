"""What a portal tells about itself: owners, properties, API usage."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from sandbox.answers import JSONResponse
from sandbox.hubspot import moments
from sandbox.hubspot.errors import not_found
from sandbox.hubspot.guard import cursor, flag, number
from sandbox.hubspot.objects import object_type
from sandbox.hubspot.store import HubSpotStore

MAX_OWNERS = 500


class Portal:
    """Handlers that answer the same in both path families."""

    def __init__(self, store: HubSpotStore) -> None:
        self.store = store

    async def owners(self, request: Request) -> Response:
        """Deactivated users come in a pass of their own with archived=true (HubSpot owners guide)."""
        limit = number(request, "limit", 100, MAX_OWNERS)
        email = request.query_params.get("email", "").lower()
        archived = flag(request, "archived")
        owners = [owner for owner in self.store.owners.values() if owner.archived == archived]
        chosen = [owner for owner in owners if not email or owner.email.lower() == email]
        later = [owner for owner in sorted(chosen, key=lambda one: int(one.id)) if int(owner.id) > cursor(request)]
        answer: dict[str, Any] = {"results": [owner.as_json() for owner in later[:limit]]}
        if len(later) > limit:
            answer["paging"] = {"next": {"after": later[limit - 1].id, "link": request.url.path}}
        return JSONResponse(answer)

    async def owner(self, request: Request) -> Response:
        owner = self.store.owners.get(request.path_params["id"])
        if owner is None or owner.archived != flag(request, "archived"):
            raise not_found("resource not found")
        return JSONResponse(owner.as_json())

    async def properties(self, request: Request) -> Response:
        """All definitions at once; this list has no paging."""
        kind = object_type(request)
        group = "contactinformation" if kind == "contacts" else "companyinformation"
        return JSONResponse({"results": [one.as_json(group) for one in self.store.definitions[kind].values()]})

    async def property(self, request: Request) -> Response:
        kind = object_type(request)
        one = self.store.definitions[kind].get(request.path_params["name"])
        if one is None:
            raise not_found(f"Property {request.path_params['name']} does not exist")
        return JSONResponse(one.as_json("contactinformation" if kind == "contacts" else "companyinformation"))

    async def details(self, request: Request) -> Response:
        """Who the portal is (HubSpot account information guide)."""
        return JSONResponse({
            "portalId": self.store.settings.portal_id, "accountType": "STANDARD", "timeZone": "Europe/Berlin",
            "companyCurrency": "EUR", "additionalCurrencies": [], "utcOffset": "+01:00",
            "utcOffsetMilliseconds": 3_600_000, "uiDomain": "app-eu1.hubspot.com", "dataHostingLocation": "eu1",
        })  # fmt: skip

    async def usage(self, request: Request) -> Response:
        now = self.store.clock.ms()
        midnight = now - now % 86_400_000 + 86_400_000
        return JSONResponse({"results": [{
            "name": "private-apps-api-calls-daily", "usageLimit": self.store.settings.daily_limit,
            "currentUsage": self.store.limits.used_today, "collectedAt": moments.iso(now),
            "fetchStatus": "SUCCESS", "resetsAt": moments.iso(midnight),
        }]})  # fmt: skip
