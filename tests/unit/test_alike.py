"""What is the same at a glance, kind by kind, and what nobody can see."""

from __future__ import annotations

import pytest

from sync.domain.alike import code, postal_code, same_name, tax_number
from sync.domain.text import clean


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        pytest.param("Mu\u200bster", "Muster", id="zero-width space"),
        pytest.param("\ufeffMuster", "Muster", id="byte order mark"),
        pytest.param("Mus\xadter", "Muster", id="soft hyphen"),
        pytest.param("\u202eMuster\u202c", "Muster", id="marks of direction"),
        pytest.param("Mu\x00s\x07ter", "Muster", id="control characters"),
        pytest.param("Mu\ufffes\uffffter", "Muster", id="no characters at all"),
        pytest.param("Muster\xa0GmbH", "Muster GmbH", id="no-break space"),
        pytest.param("Muster\u202f\u2009GmbH", "Muster  GmbH", id="narrow blanks"),
        pytest.param("a\u2028b\x0bc", "a\nb\nc", id="line breaks of other kinds"),
        pytest.param("a\tb\r\nc", "a\tb\r\nc", id="usual line breaks stay"),
        pytest.param("Mu\u0308ller", "Müller", id="a letter and its dots"),
        pytest.param("Mus\u200dter\u200c", "Muster", id="joiners in Latin text"),
        pytest.param("\u0645\u06cc\u200c\u062e\u0648", "\u0645\u06cc\u200c\u062e\u0648", id="a joiner that is seen"),
        pytest.param("\u200b\ufeff\u2060", "", id="nothing that is seen"),
        pytest.param("\ud83d", "\ufffd", id="half a surrogate pair"),
    ],
)
def test_a_text_is_cleaned_to_what_is_seen(written: str, expected: str) -> None:
    assert clean(written) == expected
    assert clean(clean(written)) == clean(written)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Müller GmbH", "MUELLER GMBH"),
        ("Müller GmbH", "Muller GmbH"),
        ("Müller GmbH", "Mu\u0308ller\xa0GmbH"),
        ("Muster GmbH", "Muster G.m.b.H."),
        ("Muster GmbH", "Muster\u200b  GmbH"),
        ("Muster Inc.", "MUSTER, Inc"),
        ("Muster®", "Muster"),
        ("Groß & Söhne GmbH & Co. KG", "Gross und Soehne GmbH&Co.KG"),
        ("Ørsted A/S", "Oersted AS"),
        ("Ørsted A/S", "Orsted A/S"),
        ("Łódź Sp. z o.o.", "Lodz sp.z.o.o"),
        ("Société Générale", "SOCIETE GENERALE"),
        ("O'Neill", "O’Neill"),
        ("Rhein-Main", "Rhein – Main"),
        ("ＭＵＳＴＥＲ", "Muster"),
    ],
)
def test_names_that_are_the_same_at_a_glance(one: str, other: str) -> None:
    assert same_name(one, other)
    assert same_name(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Muster GmbH", "Muster AG"),
        ("Muster GmbH", "Muster"),
        ("Muster GmbH", "Muster GmbH & Co. KG"),
        ("Bauer GmbH", "Baur GmbH"),
        ("Michael", "Michal"),
        ("Muster Nord", "Muster Süd"),
        ("Muster 1", "Muster 2"),
        ("-", "."),
        ("", ""),
        ("株式会社が", "株式会社か"),
    ],
)
def test_names_that_differ(one: str, other: str) -> None:
    assert not same_name(one, other)


@pytest.mark.parametrize(
    ("written", "land", "expected"),
    [
        ("20095", "DE", "20095"),
        ("D-20095", "DE", "20095"),
        ("D 20095", "DE", "20095"),
        ("de–20095", "DE", "20095"),
        ("D-20095", None, "20095"),
        (" 20 095\xa0", "DE", "20095"),
        ("1067", "DE", "01067"),
        ("1067", "AT", "1067"),
        ("A-1010", "AT", "1010"),
        ("CH-8001", "CH", "8001"),
        ("L-1234", "LU", "1234"),
        ("1234 ab", "NL", "1234AB"),
        ("NL-1234AB", "NL", "1234AB"),
        ("sw1a1aa", "GB", "SW1A1AA"),
        ("SW1A 1AA", "GB", "SW1A1AA"),
        ("W1 1AA", "GB", "W11AA"),
        ("00-950", "PL", "00950"),
        ("LV-1010", "LV", "1010"),
        ("-", "DE", ""),
        ("1010", "[]", "1010"),
    ],
)
def test_postal_codes(written: str, land: str | None, expected: str) -> None:
    assert postal_code(written, land) == expected


@pytest.mark.parametrize("written", ["DE123456789", "DE 123 456 789", "de-123.456.789", "DE\xa0123456789"])
def test_tax_numbers(written: str) -> None:
    assert tax_number(written) == "DE123456789"


def test_punctuation_of_a_code_counts() -> None:
    assert code(" ＮEW\xa0 lead ") == code("New Lead")
    assert len({code("C"), code("C++"), code("C#")}) == 3
