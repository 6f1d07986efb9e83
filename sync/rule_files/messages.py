"""Turns pydantic's errors in a rule file into sentences for its author: key, found, allowed."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel

from sync.domain.rules import ADDRESS, COUNTRY, NAME, POSTAL
from sync.domain.spelling import closest, entry, nearest, shortened, shown

_Error = Mapping[str, Any]
"""One element of `ValidationError.errors()`."""

Location = tuple[str | int, ...]

_TITLES = {
    "scores": "name",
    "labels": "label",
    "fields": "target",
    "natural_keys": "kind",
    "attributes": "attribute",
    "channels": "channel",
}
"""By list, the key that names its entries."""

_PATTERNS = {
    ADDRESS: "must be an e-mail address",
    COUNTRY: "must be two capital letters, such as DE",
    POSTAL: 'must be a beginning of postal codes, such as "20", or a range of them, such as "20-25"',
    NAME: "may have only letters without accents, digits, _ and -",
}

_LIST = "must be a list in square brackets"
_TABLE = 'must be a table, such as { key = "value" }'
_WHOLE = "must be a whole number, without quotes"
_NUMBER = "must be a number, without quotes"
_SWITCH = "must be true or false, without quotes"

_SENTENCES: dict[str, Callable[[Mapping[str, Any]], str]] = {
    **dict.fromkeys(("tuple_type", "list_type", "frozen_set_type", "set_type"), lambda _: _LIST),
    **dict.fromkeys(("dict_type", "model_type", "model_attributes_type"), lambda _: _TABLE),
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), lambda _: _WHOLE),
    **dict.fromkeys(("float_type", "float_parsing"), lambda _: _NUMBER),
    "finite_number": lambda _: "must be a number of finite size",
    **dict.fromkeys(("bool_type", "bool_parsing"), lambda _: _SWITCH),
    "string_type": lambda _: "must be a text in quotes",
    "too_short": lambda limits: _at_least(limits["min_length"], "entries"),
    "too_long": lambda limits: f"must have at most {limits['max_length']} entries",
    "string_too_short": lambda limits: _at_least(limits["min_length"], "characters"),
    "string_too_long": lambda limits: f"must have at most {limits['max_length']} characters",
    "string_pattern_mismatch": lambda limits: _PATTERNS[limits["pattern"]],
    "greater_than": lambda limits: f"must be greater than {limits['gt']:g}",
    "greater_than_equal": lambda limits: f"must be at least {limits['ge']:g}",
    "less_than": lambda limits: f"must be less than {limits['lt']:g}",
    "less_than_equal": lambda limits: f"must be at most {limits['le']:g}",
}


def _at_least(number: int, of: str) -> str:
    return "must not be empty" if number == 1 else f"must have at least {number} {of}"


def _place(location: Location, data: object) -> str:
    """The place of an error in a file; entries of a list have number and name."""
    key = ""
    for before, part in zip(("", *location), location, strict=False):
        data = _inside(data, part)
        if isinstance(part, int) and key:
            key = entry(key, part, _title(before, data))
        else:
            word = "…" if "@" in str(part) else shortened(str(part)) or '""'
            key = f"{key}.{word}" if key else word
    return key or "(top level)"


def _inside(data: object, part: str | int) -> object:
    if isinstance(data, dict):
        return data.get(part)
    return data[part] if isinstance(data, list) and isinstance(part, int) and part < len(data) else None


def _title(list_name: str | int, found: object) -> str:
    title = found.get(_TITLES.get(str(list_name), "")) if isinstance(found, dict) else None
    if isinstance(title, list):
        return ", ".join(map(str, title))
    return title if isinstance(title, str) else ""


def sentences_of(errors: Sequence[_Error], model: type[BaseModel], data: object) -> list[str]:
    """The errors of one file as sentences, without those that are consequences of another one."""
    missing_by_typo = {_meant(error, model) for error in errors if error["type"] == "extra_forbidden"}
    return [
        _explain(error, model, data)
        for error in errors
        if not (error["type"] == "missing" and error["loc"] in missing_by_typo)
        and not (error["type"] == "too_short" and any(_is_inside(other["loc"], error["loc"]) for other in errors))
    ]


def _meant(error: _Error, model: type[BaseModel]) -> Location:
    """The place where an unknown key most likely belongs."""
    *path, key = error["loc"]
    return (*path, closest(str(key), _keys(model, path)) or "")


def _is_inside(place: Location, outer: Location) -> bool:
    return len(place) > len(outer) and place[: len(outer)] == outer


def _explain(error: _Error, model: type[BaseModel], data: object) -> str:
    """One error as a sentence."""
    location = error["loc"]
    if location and location[-1] == "[key]":
        return _name(error, _place(location[:-2], data))
    key = _place(location, data)
    if error["type"] == "extra_forbidden":
        return f"{key}: unknown key{nearest(str(location[-1]), _keys(model, location[:-1]))}"
    if error["type"] == "missing":
        return f"{key}: is missing; add it"
    found = error.get("input")
    tellable = isinstance(found, str | int | float | bool) and not _of_people(location)
    found_text = f"found {shown(found)}" if tellable else ""
    if error["type"] in ("literal_error", "enum"):
        options = re.findall(r"'([^']*)'", error["ctx"]["expected"])
        return (
            f"{key}: {found_text}{nearest(str(found), options)}"
            if found_text
            else f"{key}: must be one of {', '.join(options)}"
        )
    return f"{key}: {found_text}{', ' if found_text else ''}{_sentence(error)}"


def _name(error: _Error, key: str) -> str:
    """The sentence for an entry whose own name is wrong."""
    name = error["input"]
    if name == "":
        return f"{key}: found an entry without a name; give it one: [{key}.name]"
    return f"{key}: found the name {shown(name)} of {len(name)} characters, which {_sentence(error)}"


def _sentence(error: _Error) -> str:
    if error["type"] in _SENTENCES:
        return _SENTENCES[error["type"]](error.get("ctx", {}))
    message = str(error["msg"]).removeprefix("Value error, ")
    return f"{message[0].lower()}{message[1:]}"


def _of_people(location: Location) -> bool:
    """Whether the place is for an owner's address: a wrong value there may still name the person."""
    if "territories" in location:
        return not {"country", "postal", "segment"} & {*location}
    return "round_robin" in location


def _keys(model: type[BaseModel], location: Iterable[str | int]) -> list[str]:
    """The keys that the models allow at a location."""
    current = model
    for part in location:
        fields = {field.alias or name: field for name, field in current.model_fields.items()}
        if part in fields:
            current = next(_models(fields[str(part)].annotation), current)
    return [field.alias or name for name, field in current.model_fields.items()]


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models inside `X`, `X | None`, `tuple[X, ...]` or `dict[name, X]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)
