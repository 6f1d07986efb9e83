"""Countries as people write them."""

from __future__ import annotations

from importlib.resources import files

import country_names
import pytest

from sync.mappers.places import country

KNOWN = {
    "AE": "UAE|U.A.E.|United Arab Emirates|The United Arab Emirates|VAE|Vereinigte Arabische Emirate",
    "AL": "Shqipëri|Albania",
    "AT": "Österreich|Oesterreich|Osterreich|AUSTRIA|Autriche|Rakousko|Republik Österreich|AT|AUT",
    "BA": "Bosnia & Herzegovina|Bosnia and Herzegovina|Bosnia-Herzegovina|Bosna i Hercegovina",
    "BE": "Belgique|België|Belgie|Belgien|Belgium / Belgique",
    "BG": "България|Bulgarien",
    "BO": "Bolivia|Bolivia, Plurinational State of",
    "BR": "Brasil|Brazil|Brasilien",
    "CD": "DR Congo|D.R. Congo|Democratic Republic of the Congo|Congo - Kinshasa|Congo (Kinshasa)",
    "CG": "Congo|Republic of the Congo|Congo-Brazzaville",
    "CH": "Schweiz|Suisse|Svizzera|Switzerland (CH)|Zwitserland",
    "CI": "Ivory Coast|Côte d'Ivoire|Cote d’Ivoire|Cote dIvoire|Elfenbeinküste",
    "CN": "China|PR China|P.R. China|People's Republic of China",
    "CZ": "Česko|Cesko|Česká republika|Czech Republic|Czechia|Tschechien",
    "DE": "Deutschland|Deutschland (DE)|DE - Germany|Germany (DE)|Bundesrepublik Deutschland"
    "|Federal Republic of Germany|Germany/Deutschland|Allemagne|Germania|Alemania|Niemcy"
    "|Německo|Tyskland|Duitsland|GERMANY|Deutsch\u200bland"
    "|germany |DEU|de|Germany DE|Deutschland\xa0",
    "DK": "Danmark|Dänemark|Daenemark|Denmark|Kingdom of Denmark",
    "EE": "Eesti|Estland",
    "ES": "España|Espana|Spanien|Spain|Espagne|Hiszpania",
    "FI": "Suomi|Finnland|Finland",
    "FR": "France|Frankreich|Francia|Francja|Frankrijk",
    "GB": "UK|U.K.|Great Britain|England|Scotland|Wales|Northern Ireland|United Kingdom (UK)|The United Kingdom"
    "|Großbritannien|Grossbritannien|Royaume-Uni|Vereinigtes Königreich|Britain",
    "GE": "Georgia",
    "GN": "Guinea",
    "GQ": "Equatorial Guinea",
    "GR": "Ελλάδα|Griechenland|Hellas|Greece",
    "GW": "Guinea-Bissau|Guinea Bissau",
    "HK": "Hong Kong|Hongkong|Hong Kong SAR|Hong Kong, China",
    "HR": "Hrvatska|Kroatien",
    "HU": "Magyarország|Ungarn|Magyarorszag",
    "IE": "Éire|Eire|Republic of Ireland|Irland",
    "IR": "Iran|Iran, Islamic Republic of",
    "IT": "Italia|Italien|Italy (IT)",
    "KP": "North Korea|Nordkorea|Korea, North",
    "KR": "Korea|South Korea|Republic of Korea|Korea, Republic of|Südkorea|Suedkorea",
    "LT": "Lietuva|Litauen",
    "LU": "Luxembourg|Luxemburg|Lëtzebuerg",
    "LV": "Latvija|Lettland",
    "MD": "Moldova|Republic of Moldova",
    "MK": "Macedonia|North Macedonia|FYROM",
    "MX": "México|Mexico|Mexiko",
    "NE": "Niger",
    "NG": "Nigeria",
    "NL": "Holland|The Netherlands|Netherlands (the)|Nederland|Niederlande|Pays-Bas|Netherlands, The",
    "NO": "Norge|Norwegen",
    "PL": "Polska|Polen|Pologne",
    "PT": "Portugal",
    "RO": "România|Romania|Rumänien",
    "RS": "Srbija|Serbien",
    "RU": "Россия|Russia|Russland|Russian Federation",
    "SE": "Sverige|Schweden",
    "SI": "Slovenija|Slowenien",
    "SK": "Slovensko|Slovak Republic|Slowakei",
    "SS": "South Sudan",
    "SD": "Sudan",
    "TR": "Turkiye|Türkiye|Turkey|Türkei",
    "TT": "Trinidad & Tobago",
    "TW": "Taiwan|Taiwan, Province of China",
    "TZ": "Tanzania",
    "UA": "Україна|Ukraine",
    "US": "U.S.|U.S.A.|US|USA|United States|The United States|United States of America|Vereinigte Staaten|Etats-Unis"
    "|États-Unis|USA (United States)|Stati Uniti",
    "VN": "Vietnam|Viet Nam",
}

SPELLINGS = [(written, code) for code, names in KNOWN.items() for written in names.split("|")]


@pytest.mark.parametrize(("written", "expected"), SPELLINGS)
def test_a_country_however_it_is_written(written: str, expected: str) -> None:
    assert country(written) == expected


def test_the_table_is_long() -> None:
    assert len(SPELLINGS) > 180


@pytest.mark.parametrize(
    "written",
    ["", "-", "n/a", "N.A.", "Atlantis", "Europe", "Kongo", "Virgin Islands", "Georgia, USA", "Los Angeles, CA",
     "China (Taiwan)", "Germany or Austria", "Germany/Austria", "D", "unknown"],
)  # fmt: skip
def test_what_no_single_country_is_called_means_none(written: str) -> None:
    assert country(written) is None


def test_the_names_are_those_of_the_locked_cldr() -> None:
    """Otherwise write the file anew: `python tests/unit/country_names.py >sync/mappers/country_names.tsv`."""
    shipped = files("sync.mappers").joinpath("country_names.tsv").read_text("utf-8")
    assert shipped.splitlines() == country_names.lines()
