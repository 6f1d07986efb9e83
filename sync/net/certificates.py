"""Our own client certificate: whether its files fit together, and when it ends.

The dates are read without a library: `ssl` has no public function for a certificate that no peer showed, and
`cryptography` would add some 15 MB to the image.
"""

import re
import ssl
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sync.errors import ConfigurationError
from sync.net.credentials import Secret, file_fingerprint

_SOON = timedelta(days=30)
"""How long before its end a certificate is reported. Getting a new one involves several people."""

_BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_INTEGER, _UTC_TIME, _GENERALIZED_TIME, _SEQUENCE, _VERSION = 0x02, 0x17, 0x18, 0x30, 0xA0


@dataclass(frozen=True, slots=True)
class Validity:
    """From when to when a certificate is good, both UTC."""

    not_before: datetime
    not_after: datetime

    def problem(self, now: datetime) -> str | None:
        """What is wrong with the dates at this time, phrased to follow the certificate's name; None if nothing is."""
        if now < self.not_before:
            return f"is valid only from {self.not_before:%Y-%m-%d %H:%M} UTC on; check the machine's clock"
        if now > self.not_after:
            return f"expired on {self.not_after:%Y-%m-%d %H:%M} UTC; put a new one in its place"
        left = self.not_after - now
        if left <= _SOON:
            return f"expires in {left.days} days, on {self.not_after:%Y-%m-%d %H:%M} UTC; order a new one"
        return None


def validity(pem: str) -> Validity:
    """The dates of the first certificate in a PEM text; in a chain that is the owner's.

    Raises ValueError if there is none, or if it cannot be read.
    """
    block = _BLOCK.search(pem)
    if block is None:
        raise ValueError("no certificate in PEM form")
    try:
        return _validity(ssl.PEM_cert_to_DER_cert(block.group()))
    except (IndexError, ValueError, StopIteration) as error:
        raise ValueError("a certificate that cannot be read") from error


def of_file(path: Path) -> Validity | None:
    """The dates of the first certificate of a PEM file; None if it cannot be read."""
    try:
        return validity(path.read_text(encoding="ascii", errors="replace"))
    except (OSError, ValueError):
        return None


def expiry(path: Path) -> datetime:
    """When the first certificate of a PEM file ends, UTC. Raises OSError, ValueError."""
    return validity(path.read_text(encoding="ascii", errors="replace")).not_after


def _validity(der: bytes) -> Validity:
    """RFC 5280, 4.1: certificate → its signed part → version (optional), serial, algorithm, issuer, *validity*."""
    [(_, certificate), *_] = _elements(der)
    [(_, signed), *_] = _elements(certificate)
    parts = (part for part in _elements(signed) if part[0] != _VERSION)
    for expected in (_INTEGER, _SEQUENCE, _SEQUENCE):
        if next(parts)[0] != expected:
            raise ValueError("not the order of RFC 5280")
    _, dates = next(parts)
    start, end = (_moment(tag, content.decode("ascii")) for tag, content in _elements(dates))
    return Validity(start, end)


def _elements(der: bytes) -> Iterator[tuple[int, bytes]]:
    """Tag and content of each element of a DER sequence (X.690, 8.1).

    A length is one byte, or a count of further bytes.
    """
    at = 0
    while at < len(der):
        tag, length, at = der[at], der[at + 1], at + 2
        if length & 0x80:
            size = length & 0x7F
            length, at = int.from_bytes(der[at : at + size], "big"), at + size
        if at + length > len(der):
            raise ValueError("an element is longer than what holds it")
        yield tag, der[at : at + length]
        at += length


def _moment(tag: int, text: str) -> datetime:
    """The time of an ASN.1 element. Two digits of a year mean 1950 to 2049 (RFC 5280, 4.1.2.5.1)."""
    if tag == _UTC_TIME:
        text = ("19" if text[:2] >= "50" else "20") + text
    elif tag != _GENERALIZED_TIME:
        raise ValueError("no time")
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


# ---- certificate and key

CERT, KEY, PASSPHRASE = "C4C_CLIENT_CERT", "C4C_CLIENT_KEY", "C4C_CLIENT_KEY_PASSPHRASE"

_PKCS12 = (
    f"is a PKCS#12 file (.p12, .pfx); split it: `openssl pkcs12 -in FILE -clcerts -nokeys -out client.pem` for {CERT}, "
    f"`openssl pkcs12 -in FILE -nocerts -out client.key` for {KEY}"
)


@dataclass(frozen=True)
class ClientCertificate:
    """The certificate that we show to SAP Sales Cloud, and its key, as PEM files; a passphrase if the key has one."""

    cert: Path
    key: Path
    passphrase: Secret | None = None

    def version(self) -> Hashable:
        """A value that changes when the files change."""
        return (
            file_fingerprint(self.cert),
            file_fingerprint(self.key),
            self.passphrase.refresh() if self.passphrase else 0,
        )

    def conceal(self) -> None:
        """Has the passphrase left out of everything that is printed."""
        if self.passphrase:
            self.passphrase.conceal()

    def reread(self) -> None:
        """Does nothing: `version` already follows the files."""

    def load(self, context: ssl.SSLContext) -> None:
        """Loads the certificate into the context.

        Raises ConfigurationError that names the wrong file, and the remedy.
        """
        try:
            cert, key = self.cert.read_bytes(), self.key.read_bytes()
        except OSError as error:
            raise ConfigurationError([f"{error.filename}: {error.strerror}; check {CERT} and {KEY}"]) from None
        problems = _unfit(cert, key)
        if problems:
            raise ConfigurationError(problems)
        self._load(context)

    def _load(self, context: ssl.SSLContext) -> None:
        asked = []

        def passphrase() -> str:
            # Without a passphrase from us OpenSSL would ask at the terminal.
            asked.append(True)
            return self.passphrase.value if self.passphrase else ""

        try:
            context.load_cert_chain(self.cert, self.key, passphrase)
        except ssl.SSLError as error:
            raise ConfigurationError([_why(error, bool(asked), self.passphrase)]) from None


def _why(error: ssl.SSLError, encrypted: bool, passphrase: Secret | None) -> str:
    if error.reason == "KEY_VALUES_MISMATCH":
        return f"{KEY}: is the key of another certificate than the first one in {CERT}; put the pair in place"
    if encrypted and passphrase is None:
        return f"{KEY}: is encrypted; set {PASSPHRASE}, or {PASSPHRASE}_FILE to a file that holds it"
    if encrypted:
        return f"{PASSPHRASE}: does not open {KEY}"
    cause = f" ({error.reason.replace('_', ' ').lower()})" if error.reason else ""
    return f"{CERT}, {KEY}: one of the files is damaged or of a kind that is not accepted{cause}; put the pair in place"


def _unfit(cert: bytes, key: bytes) -> list[str]:
    """What the files hold instead of a certificate and a key."""
    if _has_certificate(key) and _has_key(cert) and not (_has_certificate(cert) or _has_key(key)):
        return [f"{CERT}, {KEY}: are swapped: the first holds the key, the second the certificate"]
    problems = [] if _has_certificate(cert) else [f"{CERT}: {_instead(cert, 'certificate')}"]
    return problems + ([] if _has_key(key) else [f"{KEY}: {_instead(key, 'private key')}"])


def _has_certificate(content: bytes) -> bool:
    return b"-----BEGIN CERTIFICATE-----" in content


def _has_key(content: bytes) -> bool:
    return b"PRIVATE KEY-----" in content


def _instead(content: bytes, wanted: str) -> str:
    if not content.startswith(bytes([_SEQUENCE])):
        return f"holds no {wanted} in PEM form"
    try:
        _validity(content)
    except (IndexError, ValueError, StopIteration):
        return _PKCS12
    return "is in DER form; write it as PEM: `openssl x509 -inform der -in FILE -out client.pem`"
