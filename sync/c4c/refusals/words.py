"""Extracts the sentences of a refusal from an error body in JSON or XML, and from the header `sap-message`.

Shapes: `error.message` as text or as `{lang, value}`, `innererror.errordetails`, the same in XML (SAP Gateway); a
`sap-message` header on a 2xx is a second error channel, and its details have severities of their own.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

from sync.c4c.refusals.redaction import Sent, redacted
from sync.domain.text import parsed


@dataclass(frozen=True, slots=True)
class Said:
    """One sentence of a refusal; `target` is the property that it is about, if named."""

    code: str = ""
    text: str = ""
    target: str = ""
    severity: str = ""

    @property
    def is_error(self) -> bool:
        return self.severity.lower() in _ERRORS

    @property
    def is_remark(self) -> bool:
        """Whether it is a warning or an information, and so not the reason of a refusal."""
        return bool(self.severity) and not self.is_error


_ERRORS = ("error", "abort", "fatal", "e", "a", "x")
"""Severities that mean a failure; the letters are ABAP's message types."""

_SENTENCES = 5
_LONGEST = 200
"""The most characters of one sentence."""

_READ = 20_000
"""The most characters of an error body that are parsed."""


def in_body(body: str) -> list[Said]:
    """The sentences of an error body, the outermost first; none if it is an HTML page or anything else."""
    text = body[:_READ].strip()
    if text.startswith("<"):
        return list(_in_xml(text))
    try:
        found = list(_in_json(parsed(body)))
        return found or list(_bare(parsed(body)))
    except ValueError:
        return []


def in_headers(headers: Mapping[str, str]) -> list[Said]:
    """The sentences of a `sap-message` header; one that cannot be read counts as an error."""
    raw = next((value for name, value in headers.items() if name.lower() == "sap-message"), "").strip()
    if not raw:
        return []
    found = in_body(raw) or in_body(f"[{raw}]") or in_body(unquote(raw))
    return found or [Said(text="unreadable sap-message", severity="error")]


def trouble(headers: Mapping[str, str]) -> list[Said]:
    """The sentences of a `sap-message` of severity error: a failure in spite of a 2xx. Empty if there is none."""
    found = in_headers(headers)
    return found if any(said.is_error for said in found) else []


def spoken(said: Iterable[Said], sent: Sent) -> str:
    """The sentences as one text for people, without personal data; empty without sentences."""
    reasons = [one for one in said if not one.is_remark and (one.text or one.code)]
    telling = [one for one in reasons if one.text.casefold().strip(" .") not in _GENERIC]
    texts = [_sentence(one, sent) for one in telling or reasons]
    return "; ".join(list(dict.fromkeys(texts))[:_SENTENCES])


_GENERIC = frozenset(
    {
        "error occurred during processing",
        "an exception was raised",
        "exception raised without specific error",
        "exception in data provider occurred",
    }
)
"""Texts that SAP Gateway uses instead of a reason; left out if a detail says more."""


def _sentence(said: Said, sent: Sent) -> str:
    target = said.target.rpartition("/")[2]
    where = f" ({target})" if re.fullmatch(r"\w+", target) and target not in said.text else ""
    text = f"{sent.code(said.code)}: {redacted(said.text + where, sent)}"
    return text.strip(": ")[:_LONGEST]


def _in_json(node: Any, depth: int = 0) -> Iterator[Said]:
    """Every object with a message or a code, at any depth."""
    if depth > 6:
        return
    if isinstance(node, dict):
        text, code = _text(node.get("message")), _text(node.get("code"))
        if text or (code and depth):
            target = node.get("propertyref") or node.get("target")
            yield Said(code, text, _text(target), _text(node.get("severity")))
    inner = node.values() if isinstance(node, dict) else node[:20] if isinstance(node, list) else ()
    for one in inner:
        yield from _in_json(one, depth + 1)


def _bare(node: Any) -> Iterator[Said]:
    """`{"error": "text"}`."""
    if isinstance(node, dict) and (text := _text(node.get("error"))):
        yield Said(text=text)


def _text(value: Any) -> str:
    """A text, given directly or as `{lang, value}`; empty for anything else."""
    if isinstance(value, dict):
        value = value.get("value")
    return str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _in_xml(text: str) -> Iterator[Said]:
    if "<!DOCTYPE" in text:
        return
    try:
        root = ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError, RecursionError):
        return
    if _local(root.tag) == "html":
        return
    for element in root.iter():
        parts = {_local(child.tag): "".join(child.itertext()).strip() for child in element}
        if parts.get("message") or parts.get("code"):
            target = parts.get("propertyref") or parts.get("target") or ""
            yield Said(parts.get("code", ""), parts.get("message", ""), target, parts.get("severity", ""))


def _local(name: Any) -> str:
    return str(name).rsplit("}", 1)[-1].lower()
