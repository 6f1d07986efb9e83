"""The table of the kinds of record: complete, or nothing starts."""

import pytest

from sync.domain import entities
from sync.domain.entities import KEYED, TYPES, Entity, EntityType
from sync.planner.keyed_fields import KEYED_FIELDS


def test_every_kind_has_a_row() -> None:
    assert set(TYPES) == set(Entity)


def test_a_kind_without_a_row_is_named() -> None:
    with pytest.raises(ValueError, match=r"entities\.py: add a row to TYPES for ATTRIBUTE$"):
        entities._complete({entity: row for entity, row in TYPES.items() if entity is not Entity.ATTRIBUTE})


def test_two_kinds_never_share_a_place_in_the_order() -> None:
    with pytest.raises(ValueError, match="`order` of its own"):
        entities._complete({**TYPES, Entity.LEAD: EntityType("leads", TYPES[Entity.CONTACT].order)})


def test_a_header_is_written_before_its_parts() -> None:
    headers = {entity: row.parent for entity, row in TYPES.items() if row.parent}
    assert headers == {Entity.CHANNEL: Entity.PERMISSION, Entity.ATTRIBUTE: Entity.ATTRIBUTES}
    assert all(TYPES[header].order < TYPES[entity].order for entity, header in headers.items())


def test_what_carries_our_key_has_a_section_in_the_mapping() -> None:
    assert KEYED == (Entity.ACCOUNT, Entity.CONTACT, Entity.LEAD)
    assert [TYPES[entity].section for entity in KEYED] == ["account", "contact", "lead"]


def test_what_carries_our_key_has_its_fields_named() -> None:
    assert set(KEYED_FIELDS) == set(KEYED)


def test_a_kind_is_the_text_under_which_links_hold_it() -> None:
    assert f"{Entity.RELATION}" == Entity.RELATION == "ContactIsContactPersonFor"
    assert {("Contact", "17"): 1}[Entity.CONTACT, "17"] == 1


def test_what_hangs_on_the_contact_person_moves_with_it_only() -> None:
    hanging = {entity for entity, row in TYPES.items() if row.hangs_on == Entity.CONTACT}
    assert hanging == set(Entity) - {Entity.ACCOUNT, Entity.CONTACT, Entity.LEAD}
