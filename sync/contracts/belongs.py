"""Stops the program if the settings name another portal or tenant than the state file belongs to, so that data is not
mixed.
"""

from urllib.parse import urlsplit

from sync.context import Context
from sync.errors import AnotherWorld
from sync.state import belonging
from sync.state.documents import PORTAL_DETAILS, PortalDetails
from sync.state.store import Store


def tenant_host(base_url: str) -> str:
    """The host name without a port. It identifies the tenant, since C4C has no id for it."""
    return (urlsplit(base_url).hostname or base_url).lower()


def same_tenant(store: Store, tenant: str) -> None:
    """Raises AnotherWorld if this state writes to another tenant."""
    with store.reading() as session:
        before = belonging.known(session).tenant
    if before in (None, tenant):
        return
    with store.session() as session:
        digest = belonging.doubt_name(session, tenant).digest
    raise AnotherWorld(
        f"{store.path}: its records are in the tenant {before}, and C4C_BASE_URL names {tenant}; nothing was done. For "
        "another tenant set SYNC_STATE to a new path. If it is the same tenant under a new name: `hubspot-c4c-sync "
        f"approve {digest}`"
    )


def meet_tenant(context: Context) -> None:
    """Remembers the tenant before anything is read from it or written to it, and clears an earlier doubt about its
    name.
    """
    if not context.tenant:
        return
    with context.store.reading() as session:
        settled = belonging.known(session).tenant and not belonging.doubted_name(session)
    if not settled:
        with context.store.session() as session:
            belonging.meet(session, tenant=context.tenant)
            belonging.forget_doubt(session)


def same_portal(context: Context) -> None:
    """Called before HubSpot is read. Raises AnotherWorld if this state was read from another portal, RemoteError.

    If the token may not read the portal's id, any portal passes."""
    found = context.hubspot.portal()
    if found is None:
        return
    portal, details = found.id, PortalDetails(found.ui_domain, found.time_zone)
    with context.store.reading() as session:
        before, same = belonging.known(session).portal, PORTAL_DETAILS.read(session) == details
    if before in (None, portal):
        if before is None or not same:
            with context.store.session() as session:
                belonging.meet(session, portal=portal)
                PORTAL_DETAILS.write(session, details)
        return
    raise AnotherWorld(
        f"{context.store.path}: was read from HubSpot portal {before}, and the token belongs to portal {portal}; "
        "nothing was read. Correct HUBSPOT_ACCESS_TOKEN, or set SYNC_STATE to a new path for the other portal"
    )
