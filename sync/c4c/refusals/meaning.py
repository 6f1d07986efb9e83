"""What a refusal means: decided by status and code, and by its text only if these leave it open.

Some tenants ignore `Accept-Language` and answer in the technical user's language, so the table holds the usual
languages. SAP documents only two of the texts (KBA 3577788: the lock, in English; KBA 3048103: the token); the others
are SAP's usual wordings (message class MC 601 for the lock). A word that also describes a business block ("gesperrt",
"bloqueado") counts only if the text also names a user who holds the record.
"""

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum

from sync.c4c.refusals.words import Said


class Meaning(StrEnum):
    """Reasons for a refusal that need different reactions."""

    LOCKED = "locked"
    """Somebody has the record open."""
    DENIED = "denied"
    """A service or permission is missing."""
    DUPLICATE = "duplicate"
    """There is such a record already."""
    CONFLICT = "conflict"
    """The record was changed since it was read."""
    GONE = "gone"
    """There is no such record."""
    OTHER = "other"


_BY_STATUS = {
    401: Meaning.DENIED,
    403: Meaning.DENIED,
    404: Meaning.GONE,
    410: Meaning.GONE,
    412: Meaning.CONFLICT,
    423: Meaning.LOCKED,
}

_IN_DOUBT = {409: Meaning.DUPLICATE}
"""Meanings by status, if neither code nor text says more."""

_BY_CODE: dict[Meaning, str] = {
    Meaning.LOCKED: r"(?<![A-Z])(LOCK(ED)?|ENQUEUE)(?![A-Z])|\bMC[/:]?601\b",
    Meaning.DENIED: r"/IWFND/MED[/:]170|\bAUTH(ORI[SZ]ATION)?\b|NO_AUTH",
    Meaning.DUPLICATE: r"DUPLICATE|ALREADY_EXISTS",
}

_BY_TEXT: dict[Meaning, dict[str, str]] = {
    Meaning.LOCKED: {
        "en": r"\blocked by\b|\b(processed|edited) by (another )?user",
        "de": r"\b(durch|von|vom)\b.*\b(gesperrt|bearbeitet)\b|\bgesperrt (durch|von|vom)\b",
        "fr": r"verrouill",
        "es": r"\bbloquead[oa]s? por\b",
        "it": r"\bbloccat[oa] da",
        "nl": r"\b(geblokkeerd|vergrendeld) door\b|\bdoor\b.*\b(geblokkeerd|vergrendeld)\b",
        "pl": r"\bzablokowan\w* przez\b",
        "pt": r"\bbloquead[oa]s? (por|pel[oa])\b",
        "ja": r"(?<!ブ)ロック",
        "zh": r"锁定|鎖定|上锁",
    },
    Meaning.DENIED: {
        "en": r"\b(no|missing|without|not have) (\w+ ){0,2}authori[sz]ation|\bnot authori[sz]ed\b|access denied",
        "de": r"\b(keine|fehlende|ohne|nicht die)\b.{0,20}\bberechtigung|\bnicht berechtigt\b",
        "fr": r"\b(pas|aucune|sans|manque d').{0,20}\bautoris",
        "es": r"\b(no|sin|falta)\b.{0,20}\bautoriza",
        "it": r"\b(non|nessuna|senza|manca)\b.{0,20}\bautorizza|\bautorizzazion[ei] mancant",
        "nl": r"\b(geen|ontbrekende) (autorisatie|bevoegdheid)|\bniet (geautoriseerd|bevoegd)\b",
        "pl": r"\b(brak|bez|nie ma)\b.{0,20}\b(uprawnie|autoryzacj)",
        "pt": r"\b(não|nenhuma|sem|falta)\b.{0,20}\bautoriza",
        "ja": r"権限(が|は)?(ありません|ない|不足)|許可されていません",
        "zh": r"(没有|沒有|无|無|缺少|未).{0,6}(权限|權限|授权|授權)",
    },
    Meaning.DUPLICATE: {
        "en": r"\balready exists?\b|\bduplicate",
        "de": r"\bbereits vorhanden\b|\bexistiert bereits\b|\bdublette|\bduplikat",
        "fr": r"\bexiste déjà\b|\bdoublon",
        "es": r"\bya existe|\bduplicad",
        "it": r"\besiste già\b|\bgià esistente\b|\bduplicat[oi]\b",
        "nl": r"\bbestaat (al|reeds)\b|\bduplicaat\b|\bdubbele\b",
        "pl": r"\bjuż istnieje\b|\bduplikat",
        "pt": r"\bjá existe|\bduplicad",
        "ja": r"(すでに|既に)存在|重複",
        "zh": r"已存在|已经存在|重复|重複",
    },
}

_CODES = {meaning: re.compile(pattern, re.IGNORECASE) for meaning, pattern in _BY_CODE.items()}
_TEXTS = {meaning: re.compile("|".join(by.values()), re.IGNORECASE) for meaning, by in _BY_TEXT.items()}


def meaning(status: int, said: Sequence[Said]) -> Meaning:
    """What a refusal with this status and these sentences means."""
    known = _BY_STATUS.get(status)
    if known:
        return known
    for table, texts in ((_CODES, [one.code for one in said]), (_TEXTS, [one.text for one in said])):
        for found, pattern in table.items():
            if any(pattern.search(text) for text in texts):
                return found
    return _IN_DOUBT.get(status, Meaning.OTHER)


def wants_token(status: int, headers: Mapping[str, str], body: str) -> bool:
    """Whether a request was refused for lack of a CSRF token: by header or, as in KBA 3048103, only by text.

    The abbreviation is the same in every language.
    """
    required = next((value for name, value in headers.items() if name.lower() == "x-csrf-token"), "")
    return status == 403 and (required.lower() == "required" or re.search(r"[cx]srf", body[:20_000], re.I) is not None)
