"""What can be read of a rule file whose form has mistakes, so that one look names its other mistakes too."""

import re
from collections.abc import Iterable
from functools import cache
from math import nan
from typing import Annotated, Any, Literal, TypeVar, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from sync.domain.spelling import closest
from sync.rule_files.messages import Error, Location, inner_model, keys

Model = TypeVar("Model", bound=BaseModel)


def meant(data: Any, errors: Iterable[Error], model: type[BaseModel]) -> tuple[Any, set[Location]]:
    """The file without its unknown keys, a misspelled one under the key that it most likely means; where those are."""
    copy = _copied(data)
    guessed: set[Location] = set()
    for error in errors:
        if error["type"] == "extra_forbidden":
            *path, key = error["loc"]
            place = _at(copy, path)
            value, right = place.pop(key), closest(str(key), keys(model, path))
            if right is not None and right not in place:
                place[right] = value
                guessed.add((*path, right))
    return copy, guessed


def _copied(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _copied(value) for key, value in data.items()}
    return [_copied(value) for value in data] if isinstance(data, list) else data


def _at(data: Any, path: Iterable[str | int]) -> Any:
    for part in path:
        data = data[part]
    return data


def parts(model: type[Model], data: Any) -> Model:
    """Every value that is right by itself; the others say nothing: they have their default, or are empty.

    What a model asks of several keys together is not asked here.
    """
    given = data if isinstance(data, dict) else {}
    fields = {name: (field.alias or name, field) for name, field in model.model_fields.items()}
    read = {name: _value(model, name, given[key]) for name, (key, _) in fields.items() if key in given}
    known = {name for name, value in read.items() if value is not _UNREADABLE}
    found = {key: read[name] if name in known else _nothing(field) for name, (key, field) in fields.items()}
    return model.model_construct(_fields_set=known, **found)


_UNREADABLE = object()


def _value(model: type[BaseModel], name: str, value: Any) -> Any:
    """A model, a list of them, a table of them by name, or what the key asks for."""
    annotation = model.model_fields[name].annotation
    kind, inner = get_origin(annotation), inner_model(annotation)
    if kind is tuple and isinstance(value, str):
        value = [value]
    if inner is None:
        try:
            return _adapter(model, name).validate_python(value)
        except ValidationError:
            return _UNREADABLE
    if kind is tuple:
        return tuple(parts(inner, one) for one in value) if isinstance(value, list) else _UNREADABLE
    if not isinstance(value, dict):
        return _UNREADABLE
    return {key: parts(inner, one) for key, one in value.items()} if kind is dict else parts(inner, value)


@cache
def _adapter(model: type[BaseModel], name: str) -> TypeAdapter[Any]:
    field = model.model_fields[name]
    kind: Any = Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation
    return TypeAdapter(kind, config={"str_strip_whitespace": True})


def _nothing(field: FieldInfo) -> Any:
    if not field.is_required():
        return field.get_default(call_default_factory=True)
    kind, inner = get_origin(field.annotation), inner_model(field.annotation)
    if kind in (tuple, frozenset, dict):
        return kind()
    if inner is not None:
        return parts(inner, {})
    if field.annotation is float:
        return nan
    return "" if kind is Literal or field.annotation is str else next(iter(field.annotation))  # type: ignore[call-overload]


_FOLLOWS = (
    (r"segments", r"segment: found"),
    (r"owners\..*territories\.", r"is never reached"),
    (r"(account|contact|lead)\.fields\.\d+( \(.*\))?(\.target.*)?$", r"is required of every new record"),
    (r"filters$", r"filters?: found"),
    (r"routes$", r"route: found"),
    (r"owners$", r"owner: found|source `owner\."),
)
"""Where a place like the first is broken, problems like the second may only follow from it."""


def without_consequences(problems: Iterable[str], broken: Iterable[str]) -> list[str]:
    """The problems without those at or below a place whose form is wrong, and those that may follow from it."""
    known = tuple(broken)
    places = tuple(f"{place}{mark}" for place in known for mark in (".", ":"))
    follows = [text for where, text in _FOLLOWS if any(re.match(where, place) for place in known)]
    return [p for p in problems if not p.startswith(places) and not any(re.search(text, p) for text in follows)]
