"""From a HubSpot text to a C4C value; what does not fit becomes None, and nothing is lost silently."""

from __future__ import annotations

import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from sync.mappers.transforms import TRANSFORMS, country, spread
from sync.mappers.web import domain

quick = examples(150)


@pytest.mark.parametrize(
    ("written", "code"),
    [
        pytest.param("DE", "DE", id="code"),
        pytest.param("de", "DE", id="code in small letters"),
        pytest.param("DEU", "DE", id="three letters"),
        pytest.param(" Germany ", "DE", id="blanks around"),
        pytest.param("GERMANY", "DE", id="capitals"),
        pytest.param("Germany", "DE", id="English"),
        pytest.param("Deutschland", "DE", id="German"),
        pytest.param("Tyskland", "DE", id="Danish"),
        pytest.param("Duitsland", "DE", id="Dutch"),
        pytest.param("Denmark", "DK", id="English DK"),
        pytest.param("Dänemark", "DK", id="German DK"),
        pytest.param("Danmark", "DK", id="Danish DK"),
        pytest.param("Denemarken", "DK", id="Dutch DK"),
        pytest.param("Netherlands", "NL", id="English NL"),
        pytest.param("Niederlande", "NL", id="German NL"),
        pytest.param("Nederland", "NL", id="Dutch NL"),
        pytest.param("Holland", "NL", id="as people say NL"),
        pytest.param("Österreich", "AT", id="German AT"),
        pytest.param("Østrig", "AT", id="Danish AT"),
        pytest.param("Schweiz", "CH", id="German CH"),
        pytest.param("Zwitserland", "CH", id="Dutch CH"),
        pytest.param("United States", "US", id="English US"),
        pytest.param("United States of America", "US", id="official US"),
        pytest.param("USA", "US", id="short US"),
        pytest.param("Vereinigte Staaten", "US", id="German US"),
        pytest.param("UK", "GB", id="short GB"),
        pytest.param("Vereinigtes Königreich", "GB", id="German GB"),
        pytest.param("Storbritannien", "GB", id="Danish GB"),
        pytest.param("Czech Republic", "CZ", id="official CZ"),
        pytest.param("South Korea", "KR", id="common name KR"),
        pytest.param("Turkey", "TR", id="English TR"),
        pytest.param("Russia", "RU", id="English RU"),
        pytest.param("The Netherlands", "NL", id="English NL with its article"),
        pytest.param("Great Britain", "GB", id="English GB"),
        pytest.param("Großbritannien", "GB", id="German GB as people say"),
        pytest.param("Südkorea", "KR", id="German KR"),
        pytest.param("Atlantis", None, id="no country"),
        pytest.param("D", None, id="no code"),
        pytest.param("", None, id="empty"),
    ],
)
def test_country(written: str, code: str | None) -> None:
    assert country(written) == code


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        pytest.param("example.com", "example.com", id="as it is"),
        pytest.param("https://example.com", "example.com", id="scheme"),
        pytest.param("HTTP://Example.COM", "example.com", id="case"),
        pytest.param("www.example.com", "example.com", id="www"),
        pytest.param("https://www.example.com/de/start?x=1#top", "example.com", id="path, query, fragment"),
        pytest.param("example.com?x=1", "example.com", id="query without path"),
        pytest.param("example.com:8443", "example.com", id="port"),
        pytest.param("example.com.", "example.com", id="dot at the end"),
        pytest.param("  example.com ", "example.com", id="blanks"),
        pytest.param("shop.example.com", "shop.example.com", id="a subdomain is another address"),
        pytest.param("www2.example.com", "www2.example.com", id="www2 is no www"),
        pytest.param("wwwexample.com", "wwwexample.com", id="www without dot is a name"),
        pytest.param("müller.example", "müller.example", id="umlaut"),
        pytest.param("localhost", None, id="no dot"),
        pytest.param("n/a", None, id="no address"),
        pytest.param("", None, id="empty"),
    ],
)
def test_domain(written: str, expected: str | None) -> None:
    assert domain(written) == expected


@quick
@given(st.from_regex(r"[a-z]{1,8}(\.[a-z]{2,6}){1,2}", fullmatch=True))
def test_every_spelling_of_a_domain_is_the_same(bare: str) -> None:
    meant = domain(bare)
    spellings = [f"http://{bare}", f"HTTPS://{bare.upper()}/", f"{bare}/a/b", f" {bare} ", f"{bare}."]
    assert {domain(spelling) for spelling in spellings} == {meant}


@pytest.mark.parametrize(
    ("transform", "written", "expected"),
    [
        pytest.param("text", "  a\nb ", "a\nb", id="text keeps line breaks"),
        pytest.param("text", "   ", None, id="blank text"),
        pytest.param("email", " A@B.example ", "A@B.example", id="e-mail as it stands"),
        pytest.param("email", "a at b.example", None, id="no e-mail"),
        pytest.param("email", "a@b@c", None, id="two at signs"),
        pytest.param("phone", "+1 (651) 733-2220", "+1 (651) 733-2220", id="phone as entered"),
        pytest.param("phone", "n/a", None, id="no phone"),
        pytest.param("phone", "-- 12 --", None, id="too few digits"),
        pytest.param("web_site", "https://www.example.com/de", "https://www.example.com/de", id="web site"),
        pytest.param("web_site", "none", None, id="no web site"),
        pytest.param("web_site", "see example.com", None, id="a sentence"),
        pytest.param("number", "82.50", "82.50", id="number"),
        pytest.param("number", "-3", "-3", id="negative"),
        pytest.param("number", "82 points", None, id="no number"),
        pytest.param("number", "NaN", None, id="not a number"),
        pytest.param("boolean", "True", "true", id="boolean"),
        pytest.param("boolean", "yes", None, id="no boolean"),
        pytest.param("country", "Danmark", "DK", id="country"),
    ],
)
def test_transform(transform: str, written: str, expected: str | None) -> None:
    assert TRANSFORMS[transform](written) == expected


LONG = "Gesellschaft für angewandte Forschung und Entwicklung im Maschinenbau mbH & Co. KG"


@pytest.mark.parametrize(
    ("value", "lengths", "parts", "cut"),
    [
        pytest.param("Muster GmbH", [40, 40], ["Muster GmbH", ""], False, id="fits"),
        pytest.param("x" * 40, [40, 40], ["x" * 40, ""], False, id="fits exactly"),
        pytest.param("a" * 40 + " b", [40, 40], ["a" * 40, "b"], False, id="breaks right after the limit"),
        pytest.param(
            LONG,
            [40, 40, 40],
            ["Gesellschaft für angewandte Forschung", "und Entwicklung im Maschinenbau mbH &", "Co. KG"],
            False,
            id="at words",
        ),
        pytest.param("one two three", [7], ["one two"], True, id="cut at a word"),
        pytest.param("one two three", [7, 4], ["one two", "thre"], True, id="cut inside the last word"),
        pytest.param("x" * 50, [40, 40], ["x" * 40, "x" * 10], False, id="a single long word is broken"),
        pytest.param("x" * 50, [40], ["x" * 40], True, id="a single long word is cut"),
        pytest.param("x" * 500, [0], ["x" * 500], False, id="no limit"),
        pytest.param("one   two", [4, 4], ["one", "two"], False, id="several blanks"),
    ],
)
def test_spread(value: str, lengths: list[int], parts: list[str], cut: bool) -> None:
    assert spread(value, lengths) == (parts, cut)


WORDS = st.lists(st.text("abcäß-&.", min_size=1, max_size=12), min_size=1, max_size=14)


@quick
@given(WORDS)
def test_words_are_kept_whole_and_in_order_unless_something_was_cut(words: list[str]) -> None:
    parts, cut = spread(" ".join(words), [40] * 4)
    assert all(len(part) <= 40 for part in parts)
    kept = [word for part in parts for word in part.split(" ") if word]
    assert kept == (words if not cut else words[: len(kept)])
    assert cut == (len(kept) < len(words))


@quick
@given(st.text("ab \t\n", max_size=120), st.lists(st.integers(1, 40), min_size=1, max_size=4))
def test_no_letter_is_lost_unless_something_was_cut(text: str, lengths: list[int]) -> None:
    value = text.strip()
    parts, cut = spread(value, lengths)
    assert [len(part) <= length for part, length in zip(parts, lengths, strict=True)] == [True] * len(lengths)
    letters, kept = "".join(value.split()), "".join("".join(parts).split())
    assert letters.startswith(kept)
    assert cut == (kept != letters)
