"""The records that a run would write, as `plan` and `simulate` show them. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sync.planner.keyed_fields import NUMBERS
from sync.planner.writes import Write


@dataclass(frozen=True, slots=True)
class _PredictedField:
    """One field of a predicted write. An id that C4C has not given yet is shown in words."""

    old: Any
    new: Any
    rule: str

    def to_json(self) -> dict[str, Any]:
        return {"from": self.old, "to": self.new, "rule": self.rule}


@dataclass(frozen=True, slots=True)
class Predicted:
    """One record that would be written; several writes of one record count as one.

    `adopts`: of a record that is adopted, `object_id`, `number`, and `by` which natural key it was recognised.
    """

    entity: str
    key: str
    action: str
    fields: Mapping[str, _PredictedField]
    adopts: Mapping[str, str | None] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        fields = {name: field.to_json() for name, field in self.fields.items()}
        adopts = {"adopts": dict(self.adopts)} if self.adopts else {}
        return {"entity": self.entity, "key": self.key, "action": self.action, **adopts, "fields": fields}


class Predictions(dict[tuple[str, str], Predicted]):
    """The simulated writes so far, by entity and key. `shown` replaces ids that C4C has not given yet by words."""

    def __init__(self, shown: Callable[[Any], Any]) -> None:
        super().__init__()
        self._shown = shown

    def note(self, write: Write) -> None:
        before = self.get((write.entity, write.key))
        fields = self._fields(write)
        if before:
            made = Predicted(write.entity, write.key, before.action, {**before.fields, **fields}, before.adopts)
        else:
            made = Predicted(write.entity, write.key, write.action, fields, _adopted(write))
        self[write.entity, write.key] = made

    def _fields(self, write: Write) -> dict[str, _PredictedField]:
        own = {c.name: _PredictedField(self._shown(c.old), self._shown(c.new), c.rule) for c in write.changes}
        parts = {name: value for name, value in write.body().items() if name not in own}
        return {**own, **{name: _PredictedField(None, value, "create_only") for name, value in parts.items()}}


def _adopted(write: Write) -> dict[str, str | None]:
    if not write.adopted_by:
        return {}
    return {
        "object_id": write.object_id,
        "number": write.observed.get(NUMBERS[write.entity]),
        "by": write.adopted_by,
    }
