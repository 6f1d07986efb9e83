"""Named, pure transforms from a HubSpot text to a C4C value. None means that nothing fits."""

import gettext
import re
from collections.abc import Callable, Sequence
from functools import cache

import pycountry


def text(value: str) -> str | None:
    """Surrounding blanks removed, line breaks kept."""
    return value.strip() or None


def email(value: str) -> str | None:
    """An e-mail address as it stands, if it can be one."""
    return value.strip() if re.fullmatch(r"[^@\s]+@[^@\s]+", value.strip()) else None


def phone(value: str) -> str | None:
    """A phone number as it was entered (C4C derives its normalised form from it), if it has digits."""
    return value.strip() if re.search(r"\d{3}", re.sub(r"\D", "", value)) else None


def web_site(value: str) -> str | None:
    """A web address as it stands."""
    return value.strip() if "." in value and " " not in value.strip() else None


def number(value: str) -> str | None:
    """A plain decimal number."""
    return value.strip() if re.fullmatch(r"-?\d+(\.\d+)?", value.strip()) else None


def boolean(value: str) -> str | None:
    """`true` or `false`, as HubSpot spells booleans."""
    lowered = value.strip().lower()
    return lowered if lowered in ("true", "false") else None


def country(value: str) -> str | None:
    """ISO 3166-1 alpha-2 code of a code or of an English, German, Danish or Dutch name."""
    return _countries().get(value.strip().casefold())


@cache
def _countries() -> dict[str, str]:
    names: dict[str, str] = {}
    for entry in pycountry.countries:
        code = str(entry.alpha_2)
        english = {code, entry.alpha_3, entry.name, getattr(entry, "common_name", None)}
        official = {getattr(entry, "official_name", None)}
        translated = {translate(entry.name) for translate in _translations()}
        names |= {name.casefold(): code for name in english | official | translated if name}
    return names | {"uk": "GB", "england": "GB", "holland": "NL", "usa": "US"}


def _translations() -> list[Callable[[str], str]]:
    return [
        gettext.translation("iso3166-1", pycountry.LOCALES_DIR, languages=[language], fallback=True).gettext
        for language in ("de", "da", "nl")
    ]


TRANSFORMS: dict[str, Callable[[str], str | None]] = {
    "text": text,
    "email": email,
    "phone": phone,
    "web_site": web_site,
    "country": country,
    "number": number,
    "boolean": boolean,
}


def domain(value: str) -> str | None:
    """A web address reduced to what identifies a company: no scheme, no `www.`, no path, lower case."""
    bare = re.sub(r"^[a-z][a-z0-9+.-]*://", "", value.strip().lower())
    host = re.split(r"[/?#:]", bare, maxsplit=1)[0].removeprefix("www.").strip(".")
    return host if "." in host else None


def spread(value: str, lengths: Sequence[int]) -> tuple[list[str], bool]:
    """`value` over fields of these lengths, broken at word boundaries; True if something had to be cut.

    A single word longer than a field is broken inside. A length of 0 takes everything.
    """
    rest = value
    parts = []
    for length in lengths:
        part, rest = _take(rest, length)
        parts.append(part)
    return parts, bool(rest)


def _take(value: str, length: int) -> tuple[str, str]:
    if not length or len(value) <= length:
        return value, ""
    at = value.rfind(" ", 0, length + 1)
    if at <= 0:
        return value[:length], value[length:].lstrip()
    return value[:at].rstrip(), value[at:].lstrip()
