"""Which web domains tell a company, and which belong to nobody."""

from __future__ import annotations

import pytest
from unit_builders import company

from sync.mappers.company import company_name, unused_domains, web_domain
from sync.mappers.web import domain, is_shared

SHARED = [
    "gmail.com", "googlemail.com", "gmx.de", "gmx.net", "gmx.at", "gmx.ch", "web.de", "t-online.de", "freenet.de",
    "bluewin.ch", "orange.fr", "libero.it", "wp.pl", "seznam.cz", "aon.at", "icloud.com", "proton.me",
    "outlook.com", "outlook.de", "hotmail.com", "yahoo.com", "yahoo.co.uk", "aol.com", "mail.ru", "qq.com",
    "linkedin.com", "de.linkedin.com", "facebook.com", "m.facebook.com", "instagram.com", "xing.com", "x.com",
    "youtube.com", "tiktok.com", "wixsite.com", "painter.wixsite.com", "wix.com", "jimdo.com", "jimdosite.com",
    "painter.jimdofree.com", "wordpress.com", "weebly.com", "blogspot.com", "squarespace.com", "myshopify.com",
    "webflow.io", "github.io", "painter.github.io", "business.site", "sites.google.com", "amazon.de", "amazon.com",
    "ebay.de", "stores.ebay.de", "etsy.com", "alibaba.com", "kleinanzeigen.de", "bit.ly", "tinyurl.com",
    "linktr.ee", "goo.gl", "co.uk", "uk.com",
]  # fmt: skip

OWN = [
    "acme.de", "acme.example", "acme.co.uk", "acme.uk.com", "gmx-bikes.de", "mygmail.com", "notlinkedin.com",
    "xing.acme.de", "müller.de",
]  # fmt: skip


@pytest.mark.parametrize("host", SHARED)
def test_a_domain_that_thousands_share(host: str) -> None:
    assert is_shared(host)


@pytest.mark.parametrize("host", OWN)
def test_a_domain_of_one_company(host: str) -> None:
    assert not is_shared(host)


def test_the_rules_add_domains_and_all_that_is_below_them() -> None:
    more = frozenset({"franchise.example"})
    assert [is_shared(h, more) for h in ("franchise.example", "kiel.franchise.example", "franchise.example.de")] == [
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        pytest.param("https://www.linkedin.com/company/acme", "linkedin.com", id="a path says nothing"),
        pytest.param("xn--mller-kva.de", "müller.de", id="an international name in ASCII"),
        pytest.param("acme.de, acme.at", "acme.de", id="the first of several"),
        pytest.param("acme.de / www.acme.at", "acme.de", id="the first of several, with a stroke"),
        pytest.param("<https://acme.de>", "acme.de", id="brackets"),
        pytest.param("http//acme.de", "acme.de", id="a scheme without colon"),
        pytest.param("https:\\\\acme.de", "acme.de", id="a scheme with backslashes"),
        pytest.param("info@acme.de", None, id="an e-mail address"),
        pytest.param("mailto:info@acme.de", None, id="mailto"),
        pytest.param("4.94012E+11", None, id="a number of a spreadsheet"),
        pytest.param("n.a.", None, id="not available"),
        pytest.param("192.168.0.1", None, id="an IP address"),
        pytest.param("acme.de (old)", None, id="with a remark"),
        pytest.param("http://", None, id="only a scheme"),
        pytest.param("-", None, id="a dash"),
    ],
)
def test_the_domain_of_what_people_enter(written: str, expected: str | None) -> None:
    assert domain(written) == expected


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        pytest.param({"name": "Painter", "domain": "gmail.com"}, "Painter", id="a name of its own"),
        pytest.param({"domain": "gmail.com"}, None, id="nothing but free mail"),
        pytest.param({"name": "Gmail.com", "domain": "gmail.com"}, None, id="the name that HubSpot made of it"),
        pytest.param({"domain": "linkedin.com/company/acme"}, None, id="with a path"),
        pytest.param({"domain": "https://www.acme.de/"}, "acme.de", id="a domain of its own"),
        pytest.param({"domain": "n/a"}, None, id="no domain"),
        pytest.param({"name": "acme.de", "domain": "acme.de"}, "acme.de", id="named by its own domain"),
    ],
)
def test_a_shared_domain_names_nobody(properties: dict[str, str | None], expected: str | None) -> None:
    assert company_name(company(**{"name": None, **properties})) == expected


def test_the_next_source_takes_the_place_of_a_shared_domain() -> None:
    found = company(domain="gmail.com", website="https://painter.example/start")
    assert web_domain(found, ("domain", "website")) == "painter.example"
    assert unused_domains(found, ("domain", "website")) == ("gmail.com",)
