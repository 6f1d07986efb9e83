"""Named, pure transforms from a HubSpot text to a C4C value.

None means that the value does not fit (the field's `misfit` then decides); an empty text means that there is nothing to
write.
"""

import html
import re
from collections.abc import Callable, Sequence
from html.parser import HTMLParser

import phonenumbers

from sync.domain import numbers
from sync.mappers.places import country, language, split_street, state
from sync.mappers.web import addresses


def text(value: str) -> str | None:
    """The text without surrounding blanks; line breaks stay."""
    return value.strip() or None


def plain_text(value: str) -> str | None:
    """HTML (HubSpot's rich text) as plain text: paragraphs and list items on lines of their own, scripts left out."""
    reader = _Reader()
    reader.feed(value)
    reader.close()
    lines = (re.sub(r"[ \t\f\v\xa0]+", " ", line).strip() for line in "".join(reader.parts).splitlines())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() or None


class _Reader(HTMLParser):
    """Collects the text of a document."""

    BREAKS = frozenset({"br", "p", "div", "li", "tr", "ul", "ol", "table", "h1", "h2", "h3", "h4", "h5", "h6"})
    HIDDEN = frozenset({"script", "style"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self._hidden += tag in self.HIDDEN
        if tag in self.BREAKS:
            self.parts.append("\n– " if tag == "li" else "\n")

    def handle_endtag(self, tag: str) -> None:
        self._hidden = max(0, self._hidden - (tag in self.HIDDEN))
        if tag in self.BREAKS - {"br", "li"}:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(data)

    def handle_entityref(self, name: str) -> None:
        self.handle_data(html.unescape(f"&{name};"))

    def handle_charref(self, name: str) -> None:
        self.handle_data(html.unescape(f"&#{name};"))


def email(value: str) -> str | None:
    """The first e-mail address of a text, unchanged, but without `mailto:`, brackets and a name before it."""
    return next(iter(emails(value)), None)


def emails(value: str) -> list[str]:
    """Every e-mail address of a text, unchanged."""
    return _ADDRESS.findall(re.sub(r"mailto:", "", value, flags=re.IGNORECASE))


_ADDRESS = re.compile(r"(?<![^\s<>()\[\],;:|\"'])[^\s@<>()\[\],;:|\"]+@[^\W_](?:[\w.-]*[^\W_])?(?![\w@-])")


def phone(value: str) -> str | None:
    """A phone number as entered, if it has digits. C4C derives the normalised form from it."""
    bare = re.sub(r"^tel:", "", value.strip(), flags=re.IGNORECASE)
    return bare if len(re.findall(r"\d", bare)) >= 3 and not _NO_PHONE.search(bare) else None


_NO_PHONE = re.compile(r"@|://|^\d+[.,]\d+E\+?\d+$", re.IGNORECASE)
"""Texts that are not phone numbers: an address, or a number that a spreadsheet turned into `4.94012E+11`, whose last
digits are lost.
"""


def phone_e164(value: str, country_code: str | None = None) -> str | None:
    """A phone number in E.164 (`+49401234567`); `land` is the country of numbers written without one.

    An extension follows the number (`+49401234567 ext. 12`). None for numbers that cannot exist."""
    try:
        parsed = phonenumbers.parse(phone(value) or "", country_code)
    except phonenumbers.NumberParseException:
        return None
    if phonenumbers.is_possible_number_with_reason(parsed) != phonenumbers.ValidationResult.IS_POSSIBLE:
        return None
    number = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return f"{number} ext. {parsed.extension}" if parsed.extension else number


def web_site(value: str) -> str | None:
    """The first web address of a text, unchanged; an e-mail address is not one."""
    return next(iter(addresses(value)), None)


def as_number(value: str) -> str | None:
    """A plain decimal number, without exponent and plus sign."""
    found = numbers.number(value)
    return None if found is None else format(found, "f")


def boolean(value: str) -> str | None:
    """`true` or `false`, as HubSpot spells booleans."""
    lowered = value.strip().lower()
    return lowered if lowered in ("true", "false") else None


def street(value: str) -> str | None:
    """The street of an address line, without the house number if there is one."""
    return split_street(value)[0] or None


def house_number(value: str) -> str | None:
    """The house number of an address line, with floor and door; empty if there is none."""
    return split_street(value)[1]


def salutation(value: str) -> str | None:
    """`mr`, `ms`, `mx`, `dr` or `prof`, from German, English, Danish and Dutch forms; a `table`
    turns it into a code.
    """
    words = re.sub(r"[.,]", " ", value.casefold()).split()
    return next((_SALUTATIONS[word] for word in words if word in _SALUTATIONS), None)


_SALUTATIONS = {
    **dict.fromkeys(("mr", "mister", "herr", "herrn", "hr", "hr.", "dhr", "heer", "sir"), "mr"),
    **dict.fromkeys(("ms", "mrs", "miss", "frau", "fr", "fru", "frk", "mevr", "mevrouw", "mw", "madam"), "ms"),
    **dict.fromkeys(("mx", "divers", "neutral"), "mx"),
    "dr": "dr", "doctor": "dr", "doktor": "dr", "prof": "prof", "professor": "prof",
}  # fmt: skip


def upper(value: str) -> str | None:
    """The text in capital letters."""
    return value.strip().upper() or None


def lower(value: str) -> str | None:
    """The text in small letters."""
    return value.strip().lower() or None


TRANSFORMS: dict[str, Callable[[str], str | None]] = {
    "text": text,
    "plain_text": plain_text,
    "email": email,
    "phone": phone,
    "phone_e164": phone_e164,
    "web_site": web_site,
    "country": country,
    "state": state,
    "number": as_number,
    "boolean": boolean,
    "street": street,
    "house_number": house_number,
    "salutation": salutation,
    "language": language,
    "upper": upper,
    "lower": lower,
}

BY_COUNTRY: dict[str, Callable[[str, str | None], str | None]] = {"phone_e164": phone_e164, "state": state}
"""Transforms that depend on a country."""


def transformed(name: str, value: str, country_code: str | None = None) -> str | None:
    """`value` after the transform of that name, read by the rules of the country `country_code` where that matters."""
    return BY_COUNTRY[name](value, country_code) if name in BY_COUNTRY else TRANSFORMS[name](value)


def spread(value: str, lengths: Sequence[int]) -> tuple[list[str], bool]:
    """`value` over fields of these lengths, broken at word boundaries; True if something had to be cut.

    A single word longer than a field is broken, which the parts show. A length of 0 takes everything."""
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
