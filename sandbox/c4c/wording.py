"""In which language and in which shape C4C words a refusal.

Texts come in the language of the technical user unless `Accept-Language` is sent, and a part of a batch has to send it
itself (nothing shows that it inherits the header of the request round it); a tenant may ignore the header.
"""

from __future__ import annotations

import json
import re
from typing import Any
from xml.sax.saxutils import escape

from sandbox.c4c.errors import Refused
from sandbox.c4c.settings import Settings

JSON = "application/json;charset=utf-8"
XML = "application/xml;charset=utf-8"
_HEAD = '<?xml version="1.0" encoding="utf-8"?>'
_SPACE = 'xmlns="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata"'

_TRANSLATED: list[tuple[str, dict[str, str]]] = [
    (
        r"Record (?P<a>\S+ )?is locked by user (?P<b>\S+)",
        {
            "de": r"Datensatz wird vom Benutzer \g<b> gesperrt",
            "fr": r"L'enregistrement est verrouillé par l'utilisateur \g<b>",
            "ja": r"レコードはユーザ \g<b> によってロックされています",
        },
    ),
    (
        r"Property '(?P<a>\w+)' is mandatory and must not be blank",
        {
            "de": r"Eigenschaft '\g<a>' ist ein Mussfeld",
            "fr": r"La propriété '\g<a>' est obligatoire",
            "ja": r"プロパティ '\g<a>' は必須です",
        },
    ),
    (
        r"No authorization to access Service '(?P<a>\w+)'",
        {
            "de": r"Keine Berechtigung für Service '\g<a>'",
            "fr": r"Vous n'avez pas l'autorisation d'accéder au service '\g<a>'",
            "ja": r"サービス '\g<a>' への権限がありません",
        },
    ),
    (
        r"Record already exists",
        {
            "de": "Datensatz ist bereits vorhanden",
            "fr": "L'enregistrement existe déjà",
            "ja": "レコードはすでに存在します",
        },
    ),
    (
        r"CSRF token validation failed",
        {
            "de": "Validierung des CSRF-Tokens fehlgeschlagen",
            "fr": "Échec de la validation du jeton CSRF",
            "ja": "CSRF トークンの検証に失敗しました",
        },
    ),
]
LANGUAGES = frozenset({"en", "de", "fr", "ja"})


def language(settings: Settings, asked: str) -> str:
    """The language of an answer to somebody who sent this `Accept-Language`."""
    wanted = asked.split(",")[0].split(";")[0].split("-")[0].strip().lower()
    if not settings.heeds_accept_language or not wanted or wanted == "*":
        return settings.language
    return wanted if wanted in LANGUAGES else "en"


def worded(text: str, spoken: str) -> str:
    """The English text in another language, where there is a translation."""
    for pattern, texts in _TRANSLATED:
        if spoken in texts and (match := re.fullmatch(pattern, text)):
            return match.expand(texts[spoken])
    return text


def error(settings: Settings, refused: Refused, as_json: bool, asked: str) -> tuple[str, str]:
    """The body and content type of a refusal."""
    spoken = language(settings, asked)
    text = worded(refused.text, spoken)
    detailed = settings.error_shape == "details"
    head = "An exception was raised" if detailed else text
    if as_json:
        return json.dumps({"error": _in_json(settings, refused.code, head, text, spoken)}, ensure_ascii=False), JSON
    said = f'<code>{escape(refused.code)}</code><message xml:lang="{spoken}">{escape(head)}</message>'
    said += _xml_details(refused.code, text) if detailed else ""
    return f"{_HEAD}<error {_SPACE}>{said}</error>", XML


def _in_json(settings: Settings, code: str, head: str, text: str, spoken: str) -> dict[str, Any]:
    if settings.error_shape == "text":
        return {"code": code, "message": head}
    found: dict[str, Any] = {"code": code, "message": {"lang": spoken, "value": head}}
    if settings.error_shape == "details":
        detail = {"code": code, "message": text, "propertyref": "", "severity": "error"}
        found["innererror"] = {"transactionid": "5F3A", "errordetails": [detail]}
    return found


def _xml_details(code: str, text: str) -> str:
    detail = f"<code>{escape(code)}</code><message>{escape(text)}</message><severity>error</severity>"
    return f"<innererror><errordetails><errordetail>{detail}</errordetail></errordetails></innererror>"
