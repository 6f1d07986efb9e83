"""HubSpot's error bodies. Clients may branch on status and category only (HubSpot breaking change definition)."""

from typing import Any


class HubSpotError(Exception):
    """An answer other than success; `html` replaces the JSON body where HubSpot's edge answers instead of the API."""

    def __init__(
        self,
        status: int,
        message: str,
        category: str | None = "VALIDATION_ERROR",
        *,
        headers: dict[str, str] | None = None,
        html: bool = False,
        **extra: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.category = category
        self.headers = headers or {}
        self.html = html
        self.extra = extra

    def body(self, correlation_id: str) -> dict[str, Any]:
        body: dict[str, Any] = {"status": "error", "message": self.message, "correlationId": correlation_id}
        if self.category is not None:
            body["category"] = self.category
        return body | self.extra


def bad_request(message: str) -> HubSpotError:
    return HubSpotError(400, message)


def not_found(message: str) -> HubSpotError:
    return HubSpotError(404, message, "OBJECT_NOT_FOUND")
