"""The service as this tenant's user sees it: without the fields and services nobody enabled."""

from __future__ import annotations

from sandbox.c4c.errors import Refused
from sandbox.c4c.model import BY_SET, ENTITIES, Entity
from sandbox.c4c.settings import Settings


def entity(settings: Settings, name: str) -> Entity:
    hidden = [field.split(".", 1)[1] for field in settings.hidden_fields if field.startswith(f"{name}.")]
    return ENTITIES[name].without(hidden) if hidden else ENTITIES[name]


def by_set(settings: Settings, set_name: str) -> Entity:
    """404 for what does not exist, 403 for a service that is not ticked in the communication arrangement."""
    found = BY_SET.get(set_name)
    if found is None:
        raise Refused(404, f"Resource not found for segment '{set_name}'", "005056A509B11EE1B9A8FEC11C21578E")
    if found.name in (*settings.hidden_services, *settings.forbidden):
        raise Refused(403, f"No authorization to access Service '{set_name}'", "/IWFND/MED/170")
    return entity(settings, found.name)


def visible(settings: Settings) -> list[Entity]:
    return [entity(settings, name) for name in ENTITIES if name not in settings.hidden_services]
