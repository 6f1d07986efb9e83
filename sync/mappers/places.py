"""Countries, states, languages and streets, as people write them, to what a CRM can compare. Pure.

Names come from pycountry (ISO 3166-1, 3166-2, 639) with its translations; English names of German, Austrian, Swiss and
Danish states stand here, since ISO lists states in the country's own language only.
"""

import difflib
import gettext
import re
from collections.abc import Callable
from functools import cache

import pycountry

LANGUAGES = ("de", "da", "nl")


def country(value: str) -> str | None:
    """ISO 3166-1 alpha-2 code of a code or of an English, German, Danish or Dutch name."""
    return _countries().get(value.strip().casefold())


def country_like(value: str) -> str | None:
    """The code of the country whose name or code is spelled most like the text, if one is."""
    names = _countries()
    close = difflib.get_close_matches(value.strip().casefold(), names, n=1, cutoff=0.75)
    return names[close[0]] if close else None


@cache
def _countries() -> dict[str, str]:
    names: dict[str, str] = {}
    for entry in pycountry.countries:
        code = str(entry.alpha_2)
        english = {code, entry.alpha_3, entry.name, getattr(entry, "common_name", None)}
        official = {getattr(entry, "official_name", None)}
        translated = {t(name) for t in _translations("iso3166-1", LANGUAGES) for name in english if name}
        names |= {name.casefold(): code for name in english | official | translated if name}
    return names | ALIASES


ALIASES = {
    "america": "US",
    "england": "GB",
    "great britain": "GB",
    "grossbritannien": "GB",
    "holland": "NL",
    "russia": "RU",
    "storbritannien": "GB",
    "the netherlands": "NL",
    "turkey": "TR",
    "uk": "GB",
    "usa": "US",
}
"""What people write and ISO's names do not have."""


def _translations(domain: str, languages: tuple[str, ...]) -> list[Callable[[str], str]]:
    found = (gettext.translation(domain, pycountry.LOCALES_DIR, languages=[one], fallback=True) for one in languages)
    return [translation.gettext for translation in found]


def state(value: str, land: str | None = None) -> str | None:
    """The part of the ISO 3166-2 code after the hyphen (`BY`), from a code or an English, German or local name.

    `land` is the country's alpha-2 code; without it the name must be that of one country's state only.
    """
    wanted = _word(value)
    if land:
        return _states().get(land, {}).get(wanted)
    found = {names[wanted] for names in _states().values() if wanted in names and wanted not in _codes(names)}
    return found.pop() if len(found) == 1 else None


def _codes(names: dict[str, str]) -> set[str]:
    return {code.casefold() for code in names.values()}


@cache
def _states() -> dict[str, dict[str, str]]:
    """By country: every known spelling → code."""
    found: dict[str, dict[str, str]] = {}
    german = _translations("iso3166-2", ("de",))[0]
    for entry in pycountry.subdivisions:
        land, _, code = str(entry.code).partition("-")
        names = found.setdefault(land, {})
        names[_word(code)] = names[_word(entry.code)] = code
        for spelled in {entry.name, german(entry.name)}:
            names[_word(spelled)] = code
    for land, exonyms in _ENGLISH.items():
        found[land] |= {_word(name): code for name, code in exonyms.items()}
    return found


def _word(value: str) -> str:
    return re.sub(r"[\s\-–]+", " ", value.strip().casefold())


_ENGLISH = {
    "DE": {
        "Bavaria": "BY", "Hesse": "HE", "Lower Saxony": "NI", "Mecklenburg-Western Pomerania": "MV",
        "North Rhine-Westphalia": "NW", "Rhineland-Palatinate": "RP", "Saxony": "SN", "Saxony-Anhalt": "ST",
        "Thuringia": "TH", "NRW": "NW",
    },
    "AT": {
        "Carinthia": "2", "Lower Austria": "3", "Upper Austria": "4", "Styria": "6", "Tyrol": "7", "Vienna": "9",
    },
    "CH": {
        "Basel-City": "BS", "Geneva": "GE", "Grisons": "GR", "Lucerne": "LU", "Ticino": "TI", "Zurich": "ZH",
        "Berne": "BE",
    },
    "DK": {
        "Capital Region": "84", "Central Denmark": "82", "North Denmark": "81", "Region Zealand": "85",
        "South Denmark": "83", "Southern Denmark": "83",
    },
}  # fmt: skip


def language(value: str) -> str | None:
    """ISO 639-1 code in capitals (`DE`) of a code with or without a region (`de-at`) or an English or German name."""
    word = value.strip().casefold()
    return _languages().get(word) or _languages().get(re.split(r"[-_]", word)[0])


@cache
def _languages() -> dict[str, str]:
    german = _translations("iso639-3", ("de",))[0]
    names: dict[str, str] = {}
    for entry in pycountry.languages:
        if code := getattr(entry, "alpha_2", None):
            spelled = {code, entry.alpha_3, entry.name, german(entry.name)}
            names |= {name.casefold(): str(code).upper() for name in spelled}
    return names


def split_street(value: str) -> tuple[str, str]:
    """(street, house number with everything after it); nothing of the text is lost.

    German, Danish and Dutch put the number last (`Hauptstr. 12a`, `Nørregade 10, 2. th`, `Keizersgracht 123-II`),
    English first (`221B Baker Street`). Without a number the whole text is the street.
    """
    line = re.sub(r"\s*[\r\n]+\s*", ", ", value.strip())
    first = _NUMBER_FIRST.fullmatch(line)
    if first:
        return first["street"], first["number"]
    last = _NUMBER_LAST.fullmatch(line)
    if last:
        return last["street"].rstrip(" ,"), last["number"]
    return line, ""


_NUMBER = r"\d+(?:\s?[A-Za-z](?![A-Za-z]))?(?:\s?[-–/+&]\s?\d+(?:\s?[A-Za-z](?![A-Za-z]))?)*"
# A number with a dot is an ordinal ("17. Juni"), and belongs to the name.
_NUMBER_FIRST = re.compile(rf"(?P<number>{_NUMBER}),?\s+(?P<street>[^\W\d].*)")
_NUMBER_LAST = re.compile(
    rf"(?P<street>.*?[^\W\d].*?),?\s+(?P<number>{_NUMBER}"
    r"(?:\s?[-/]\s?(?:[IVX]+|[A-Za-z]{1,3}|[Hh]uis)|(?:\s?(?:bis|ter|hs|huis|rd|rood|zw|boven))"
    r"|\s?,?\s?(?:st|kl|\d+)\.(?:\s?(?:sal|th|tv|mf|\d+))*\.?|,\s?(?:st|kl)\s?(?:th|tv|mf))?)"
)
