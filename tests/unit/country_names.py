"""The names of all countries in the languages of Europe, as CLDR has them.

python tests/unit/country_names.py >sync/mappers/country_names.tsv
"""

from __future__ import annotations

import sys

import pycountry
from babel import Locale

LANGUAGES = (
    "en", "de", "fr", "it", "es", "pt", "nl", "da", "sv", "nb", "fi", "is", "et", "lv", "lt", "pl", "cs", "sk", "sl",
    "hr", "sr", "sr_Latn", "bs", "sq", "mk", "hu", "ro", "bg", "el", "tr", "uk", "be", "ru", "ca", "ga", "mt", "lb",
)  # fmt: skip


def lines() -> list[str]:
    """`CODE<tab>name`, each once, sorted."""
    known = {entry.alpha_2 for entry in pycountry.countries}
    pairs = ((code, name) for one in LANGUAGES for code, name in Locale.parse(one).territories.items())
    return sorted({f"{code}\t{name}" for code, name in pairs if code in known})


if __name__ == "__main__":
    sys.stdout.write("\n".join(lines()) + "\n")
