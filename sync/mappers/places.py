"""Turns countries, states, languages and streets, as people write them, into values that can be compared. Pure.

Names come from pycountry (ISO 3166-1, 3166-2, 639) with its translations; English names of German, Austrian, Swiss and
Danish states are listed here, since ISO has them only in the country's own language.
"""

import difflib
import gettext
import re
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, TypeVar

import pycountry

from sync.domain.alike import REMEMBERED, spellings
from sync.domain.conditions import COUNTRY_CODES
from sync.domain.views import Unreadable

_T = TypeVar("_T")

_OFFICIAL = ("de", "da", "nl")
"""Languages in which the official names (`Bundesrepublik Deutschland`) are known too."""


@lru_cache(REMEMBERED)
def country(value: str) -> str | None:
    """ISO 3166-1 alpha-2 code of a code or of a name in English or a language of Europe.

    Several names in one text (`Deutschland (DE)`) must mean the same country; a name that two countries share gives
    None.
    """
    if _NOT_APPLICABLE.fullmatch(value.strip()):
        return None
    if found := _named(value):
        return found
    parts = [part for part in _PARTS.split(value.strip()) if spellings(part)]
    codes = {_named(part) for part in parts} if len(parts) > 1 else set()
    return codes.pop() if len(codes) == 1 else None


_NOT_APPLICABLE = re.compile(r"n\W+a\W*", re.IGNORECASE)
"""Spellings of "not applicable", since `n/a` must not be read as Namibia."""

_PARTS = re.compile(r"\s+[-–—]\s+|[/,;|()\[\]]+|\s+(?=[A-Z]{2}$)|(?<=^[A-Z]{2})\s+")
"""Separators between a name and its code, or between two names of one country."""


def _named(text: str) -> str | None:
    # Other languages take time to load and are needed only for a name that is not English.
    plain = _ARTICLE.sub(" ", text)
    return _known(_english(), plain) or _known(_countries(), plain)


_ARTICLE = re.compile(r"(?<!\w)the(?!\w)", re.IGNORECASE)


def country_of(get: Callable[[str], str | None], name: str) -> str | None:
    """The country in the property `name` of a record; from HubSpot's own country code instead, if the portal has it."""
    codes = (read_if_there(get, source) for source in COUNTRY_CODES.get(name, ()))
    found = next((code for value in codes if value and (code := country(value))), None)
    return found or country(get(name) or "")


def read_if_there(get: Callable[[str], _T], source: str) -> _T | None:
    """The value of a property that a portal may lack; None, and not an unreadable contact, if it does."""
    try:
        return get(source)
    except Unreadable:
        return None


def country_like(value: str) -> str | None:
    """The code of the country whose name or code is spelled most like the text, if any is similar."""
    names = _countries()
    close = difflib.get_close_matches(min(spellings(value), default=""), names, n=1, cutoff=0.75)
    return names[close[0]] if close else None


@cache
def _countries() -> dict[str, str]:
    """Every known spelling → code. English names and codes take precedence over other languages."""
    translated: dict[str, set[str]] = {}
    translations = _translations("iso3166-1", _OFFICIAL)
    for entry in pycountry.countries:
        for name in {translate(name) for translate in translations for name in _iso_names(entry)}:
            _note(translated, name, entry.alpha_2)
    for code, name in _names_in_europe():
        _note(translated, name, code)
    return _of_one(translated) | _english()


@cache
def _english() -> dict[str, str]:
    """Codes, English names and other usual names → code."""
    english: dict[str, set[str]] = {}
    for entry in pycountry.countries:
        for name in _iso_names(entry) | {entry.alpha_2, entry.alpha_3}:
            _note(english, name, entry.alpha_2)
    aliases = {s: code for code, names in _ALIASES.items() for name in names for s in spellings(name)}
    return _of_one(english) | aliases


def _iso_names(entry: Any) -> set[str]:
    return {n for key in ("name", "common_name", "official_name") if (n := getattr(entry, key, None))}


def _names_in_europe() -> Iterator[tuple[str, str]]:
    """(code, name) of every country in the languages of Europe: people write the names of neighbouring countries in
    their own language.

    The file is made from CLDR by `tests/unit/country_names.py`: read at run time, CLDR's own package takes 48 MB.
    """
    text = files(__package__).joinpath("country_names.tsv").read_text("utf-8")
    for line in text.splitlines():
        code, _, name = line.partition("\t")
        yield code, name


def _note(known: dict[str, set[str]], name: str, code: str) -> None:
    for spelled in spellings(_ARTICLE.sub(" ", name)):
        known.setdefault(spelled, set()).add(code)


def _of_one(known: dict[str, set[str]]) -> dict[str, str]:
    return {name: next(iter(codes)) for name, codes in known.items() if len(codes) == 1}


_ALIASES: dict[str, tuple[str, ...]] = {
    "AE": ("UAE", "Emirates", "VAE", "Dubai", "Abu Dhabi", "EAU"),
    "BA": ("Bosnia", "Bosnia-Herzegovina", "Bosnien"),
    "BY": ("Weissrussland", "White Russia"),
    "CC": ("Cocos Islands",),
    "CD": ("DR Congo", "DRC", "Congo DRC", "Democratic Republic of Congo", "Democratic Republic of the Congo",
           "Congo, Dem. Rep.", "Zaire"),
    "CG": ("Congo Republic", "Congo, Rep."),
    "CH": ("Swiss", "Schweiz/Suisse/Svizzera/Svizra", "Svizra", "Helvetia"),
    "CI": ("Ivory Coast", "Elfenbeinküste"),
    "CN": ("PRC", "PR China", "China PR", "Mainland China", "VR China"),
    "CZ": ("Czech Rep.", "Czech", "Tschechei", "Ceska republika"),
    "DE": ("BRD", "FRG", "Germany (Federal Republic)", "West Germany", "Bundesrepublik"),
    "FK": ("Falklands",),
    "FR": ("Metropolitan France", "République Française"),
    "GB": ("UK", "Great Britain", "Britain", "England", "Scotland", "Wales", "Northern Ireland", "N. Ireland",
           "Ireland (Northern)", "Großbritannien", "Grande-Bretagne", "Gran Bretagna", "Gran Bretaña",
           "Groot-Brittannië", "Schottland", "Angleterre", "Inghilterra", "Inglaterra", "Engeland",
           "Velká Británie", "UK (GB)"),
    "GR": ("Ellas", "Ellada"),
    "HK": ("Hong Kong, China",),
    "IE": ("Republic of Ireland", "Ireland, Republic of", "Irish Republic", "Ireland (Republic)"),
    "KN": ("Saint Kitts",),
    "KP": ("Korea North", "DPRK", "Korea, DPR"),
    "KR": ("Korea", "Korea South", "Republic of Korea", "ROK", "Korea Rep.", "S. Korea", "Korea, Republic"),
    "MK": ("Macedonia", "FYROM", "FYR Macedonia", "Republic of Macedonia", "Mazedonien"),
    "MO": ("Macau SAR", "Macao, China"),
    "NL": ("NL Netherlands", "Niederland"),
    "PS": ("Palestine", "Palestinian Territory", "Palestina", "West Bank and Gaza"),
    "RU": ("Rossiya",),
    "SK": ("Slovak Rep.", "Slovak"),
    "ST": ("Sao Tome",),
    "SX": ("St Maarten", "Saint Maarten"),
    "SZ": ("Swaziland",),
    "TL": ("East Timor",),
    "TR": ("Turkey",),
    "TT": ("Trinidad",),
    "TW": ("Taiwan ROC", "Chinese Taipei", "Republic of China", "ROC", "Taiwan (ROC)"),
    "US": ("US of A", "America", "USA (United States)", "Amerika", "EEUU"),
    "VA": ("Vatican", "Holy See"),
    "VC": ("St Vincent",),
    "VG": ("BVI",),
    "VI": ("USVI",),
}  # fmt: skip
"""By code, names that people use and neither ISO nor CLDR has. `Georgia`, `Guinea` and `Congo` mean the country with
exactly that ISO name, `Korea` means the south. `Kongo` is the name of two countries, so it is not listed.
"""


def _translations(domain: str, languages: tuple[str, ...]) -> list[Callable[[str], str]]:
    found = (gettext.translation(domain, pycountry.LOCALES_DIR, languages=[one], fallback=True) for one in languages)
    return [translation.gettext for translation in found]


def state(value: str, country_code: str | None = None) -> str | None:
    """The part of the ISO 3166-2 code after the hyphen (`BY`), from a code or an English, German or local name.

    `land` is the country's alpha-2 code; without it the name must occur in one country only."""
    if country_code:
        return _known(_states().get(country_code, {}), value)
    by_country = ((names, _known(names, value)) for names in _states().values())
    found = {code for names, code in by_country if code and not spellings(value) & _codes(names)}
    return found.pop() if len(found) == 1 else None


def _known(names: dict[str, str], text: str) -> str | None:
    """The code for one of the spellings of the text."""
    return next((names[spelled] for spelled in sorted(spellings(text)) if spelled in names), None)


def _codes(names: dict[str, str]) -> set[str]:
    return {code.casefold() for code in names.values()}


@cache
def _states() -> dict[str, dict[str, str]]:
    """By country: every known spelling → code."""
    found: dict[str, dict[str, str]] = {}
    german = _translations("iso3166-2", ("de",))[0]
    for entry in pycountry.subdivisions:
        country_code, _, code = str(entry.code).partition("-")
        names = found.setdefault(country_code, {})
        for name in (code, entry.code, entry.name, german(entry.name)):
            names |= dict.fromkeys(spellings(name), code)
    for country_code, exonyms in _ENGLISH.items():
        for name, code in exonyms.items():
            found[country_code] |= dict.fromkeys(spellings(name), code)
    return found


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
    return _known(_languages(), value) or _known(_languages(), re.split(r"[-_]", value)[0])


@cache
def _languages() -> dict[str, str]:
    german = _translations("iso639-3", ("de",))[0]
    names: dict[str, str] = {}
    for entry in pycountry.languages:
        if code := getattr(entry, "alpha_2", None):
            for name in {code, entry.alpha_3, entry.name, german(entry.name)}:
                names |= dict.fromkeys(spellings(name), str(code).upper())
    return names


def split_street(value: str) -> tuple[str, str]:
    """(street, house number with everything after it); no part of the text is lost.

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
# A number with a dot is an ordinal ("Straße des 17. Juni") and belongs to the name.
_NUMBER_FIRST = re.compile(rf"(?P<number>{_NUMBER}),?\s+(?P<street>[^\W\d].*)")
_NUMBER_LAST = re.compile(
    rf"(?P<street>.*?[^\W\d].*?),?\s+(?P<number>{_NUMBER}"
    r"(?:\s?[-/]\s?(?:[IVX]+|[A-Za-z]{1,3}|[Hh]uis)|(?:\s?(?:bis|ter|hs|huis|rd|rood|zw|boven))"
    r"|\s?,?\s?(?:st|kl|\d+)\.(?:\s?(?:sal|th|tv|mf|\d+))*\.?|,\s?(?:st|kl)\s?(?:th|tv|mf))?)"
)
