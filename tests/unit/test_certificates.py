"""The dates of certificates that other libraries made."""

import itertools
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from sync.net.certificates import Validity, expiry, validity

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


def certificate(until: datetime) -> str:
    authority = trustme.CA()
    return authority.issue_cert("sync@company.example", not_after=until).cert_chain_pems[0].bytes().decode()


@pytest.mark.parametrize(
    "until",
    [
        pytest.param(datetime(2027, 3, 1, 8, 30, 15, tzinfo=UTC), id="two digits of a year"),
        pytest.param(datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC), id="the last of them"),
        pytest.param(datetime(2050, 1, 1, tzinfo=UTC), id="four digits of a year"),
        pytest.param(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), id="without a meaningful end"),
    ],
)
def test_the_end_of_a_certificate(until: datetime, tmp_path: Path) -> None:
    (tmp_path / "c.pem").write_text(certificate(until), encoding="ascii")
    assert expiry(tmp_path / "c.pem") == until


def test_of_a_chain_the_first_certificate_counts_whatever_stands_before_it() -> None:
    leaf, root = certificate(NOW), certificate(NOW + timedelta(days=9))
    assert validity(f"Bag Attributes\n  friendlyName: Müller\n{leaf}\n{root}").not_after == NOW


def test_what_is_no_certificate_is_a_value_error() -> None:
    pem = certificate(NOW)
    lines = pem.splitlines()
    broken = ["", "PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"]
    broken += ["\n".join([lines[0], *lines[n:-1], lines[-1]]) for n in range(2, len(lines) - 1)]
    for text, cut in itertools.chain(((text, "") for text in broken), ((pem, line) for line in lines[1:-1])):
        with pytest.raises(ValueError):
            validity(text.replace(cut + "\n", "", 1) if cut else text)


@pytest.mark.parametrize(
    ("days", "said"),
    [
        pytest.param(31, None, id="good"),
        pytest.param(29, "expires in 29 days, on 2026-12-29 12:00 UTC; order a new one", id="soon over"),
        pytest.param(-1, "expired on 2026-11-29 12:00 UTC; put a new one in its place", id="over"),
    ],
)
def test_dates_in_words(days: int, said: str | None) -> None:
    assert Validity(NOW - timedelta(days=90), NOW + timedelta(days=days)).problem(NOW) == said


def test_a_certificate_that_is_not_valid_yet() -> None:
    early = Validity(NOW + timedelta(hours=1), NOW + timedelta(days=90)).problem(NOW)
    assert early == "is valid only from 2026-11-30 13:00 UTC on; check the machine's clock"
