"""Turns HubSpot's refusals into our errors, by status and the name of the policy; the message's
text does not decide.
"""

from typing import Any

from sync import metrics
from sync.domain.text import parsed
from sync.errors import BudgetExhausted, Denied, Malformed, Refused, SyncError, Unavailable
from sync.transport import LONGEST_WAIT, retry_after


class RateLimited(Unavailable):
    """Status 429: too many requests in one or ten seconds, by us or by others who share the limit."""


def translated(error: Any, endpoint: str) -> SyncError:
    """Our error for an SDK exception, by status and policy name.

    The message text does not decide, and the body is not shown.
    """
    status = int(error.status or 0)
    match status:
        case 429:
            return _rate_limited(error, endpoint)
        case 401:
            return Denied("hubspot", "the access token was refused (401); check HUBSPOT_ACCESS_TOKEN")
        case 403:
            return Denied("hubspot", f"{endpoint}: the token lacks a scope (403); see the README for the scopes needed")
        case 423:
            return Unavailable("hubspot", f"{endpoint}: locked (423)", wait=2.0)
        case 477:
            return Unavailable(
                "hubspot", f"{endpoint}: data centre migration (477)", wait=_retry_after(error) or 3600.0
            )
        case 0:
            return Malformed("hubspot", f"{endpoint}: the answer could not be read")
        case _ if status >= 500:
            return Unavailable("hubspot", f"{endpoint}: status {status}")
        case _:
            return Refused("hubspot", f"{endpoint}: refused with status {status}{_category(error)}", status)


def sdk_refusal() -> Any:
    """The SDK's exception for an unsuccessful answer."""
    from hubspot.crm.objects.exceptions import ApiException

    return ApiException


def not_utf8(error: UnicodeDecodeError, endpoint: str) -> SyncError:
    """The error for an answer that is not UTF-8, so not HubSpot's. The SDK fails on it before it returns the status."""
    refusal = error.__context__
    metrics.count_answer("hubspot", endpoint, getattr(refusal, "status", None))
    if isinstance(refusal, sdk_refusal()):
        refusal.body = None
        return translated(refusal, endpoint)
    return Malformed("hubspot", f"{endpoint}: the answer is not a JSON object; is a proxy in between?")


def _rate_limited(error: Any, endpoint: str) -> SyncError:
    if _body(error).get("policyName") == "DAILY":
        message = "the daily request limit is used up; it resets at the portal's midnight"
        return BudgetExhausted("hubspot", message, _retry_after(error))
    # Answers to searches have no rate limit headers and often no policy name. Their window is one second, that of
    # others ten.
    default = 1.0 if endpoint == "search" else 10.0
    asked = _retry_after(error)
    wait = default if asked is None else min(max(asked, 1.0), LONGEST_WAIT)
    return RateLimited("hubspot", f"{endpoint}: rate limit (429)", wait=wait)


def _retry_after(error: Any) -> float | None:
    """Seconds. Sources disagree on seconds or milliseconds, so a value of more than a day is taken as milliseconds."""
    seconds = retry_after((error.headers or {}).get("Retry-After"))
    return seconds / 1000 if seconds is not None and seconds > 86_400 else seconds


def _body(error: Any) -> dict[str, Any]:
    try:
        body = parsed(error.body or "{}")
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _category(error: Any) -> str:
    category = _body(error).get("category")
    return f" ({category})" if isinstance(category, str) and category.isupper() else ""
