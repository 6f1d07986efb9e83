"""What a refusal says, what it means, and how much of it may be repeated."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sync.c4c.odata import Operation, Query, any_of
from sync.c4c.refusals import words
from sync.c4c.refusals.meaning import Meaning, meaning, wants_token
from sync.c4c.refusals.redaction import NOTHING, Sent, redacted, sent_in
from sync.c4c.refusals.words import Said

# ---- the sentences of an error body

XML = '<?xml version="1.0" encoding="utf-8"?>'
DETAILED = {
    "error": {
        "code": "A/1",
        "message": {"lang": "en", "value": "An exception was raised"},
        "innererror": {
            "transactionid": "5F",
            "Error_Resolution": {"SAP_Note": "See SAP Note 1797736"},
            "errordetails": [
                {"code": "B/2", "message": "City is wrong", "propertyref": "/City", "severity": "error"},
                {"code": "B/3", "message": "Check the street", "severity": "warning"},
            ],
        },
    }
}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param('{"error":{"code":"A/1","message":{"lang":"en","value":"No."}}}', "A/1: No.", id="as C4C says"),
        pytest.param('{"error":{"code":"A/1","message":"No."}}', "A/1: No.", id="message as text"),
        pytest.param('{"error":{"code":"A/1"}}', "A/1", id="a code alone"),
        pytest.param('{"error":{"message":{"value":"No."}}}', "No.", id="words alone"),
        pytest.param('{"error":"No."}', "No.", id="the error as text"),
        pytest.param('{"message":"No."}', "No.", id="no error round it"),
        pytest.param(json.dumps(DETAILED), "B/2: City is wrong", id="a detail says more than its head"),
        pytest.param(
            '{"error":{"code":"A","message":"Wrong","details":[{"code":"B","message":"No","target":"Name"}]}}',
            "A: Wrong; B: No (Name)",
            id="a detail with the property that it is about",
        ),
        pytest.param(
            f'{XML}<error xmlns="x"><code>A/1</code><message xml:lang="en">No &amp; no.</message></error>',
            "A/1: No & no.",
            id="XML",
        ),
        pytest.param(
            "<m:error xmlns:m='x'><m:code/><m:message>No.</m:message></m:error>", "No.", id="XML with a prefix"
        ),
        pytest.param(
            "<error><code>A</code><message>Wrong</message><innererror><errordetails><errordetail><code>B</code>"
            "<message>No</message><propertyref>Name</propertyref><severity>error</severity></errordetail>"
            "</errordetails></innererror></error>",
            "A: Wrong; B: No (Name)",
            id="XML with details",
        ),
        pytest.param('{"error":{}}', "", id="an empty error"),
        pytest.param("[]", "", id="a list"),
        pytest.param("[" * 200_000, "", id="nested without end"),
        pytest.param("<html><body><code>Bad gateway</code></body></html>", "", id="a page of a proxy"),
        pytest.param("<html><body>Bad gateway<br></body>", "", id="a page that is no XML"),
        pytest.param('<!DOCTYPE a [<!ENTITY x "y">]><error><message>&x;</message></error>', "", id="own entities"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_the_words_of_an_error_body(body: str, expected: str) -> None:
    assert words.spoken(words.in_body(body), NOTHING) == expected


def test_the_same_sentence_is_repeated_once_and_many_are_cut() -> None:
    same = [Said("A", "No.")] * 3
    assert words.spoken(same, NOTHING) == "A: No."
    assert words.spoken([Said("A", f"No {n}.") for n in range(9)], NOTHING).count("No") == 5
    assert len(words.spoken([Said("A", "no " * 200)], NOTHING)) <= 200


# ---- the header sap-message

SAP_MESSAGE: dict[str, Any] = {
    "code": "ODATA_ERROR",
    "message": "Error occurred during processing",
    "severity": "error",
    "target": "",
    "details": [{"code": "/APBP/CENT:003", "message": "Cannot maintain internal field"}],
}
DETAIL = "/APBP/CENT:003: Cannot maintain internal field"


def detail(severity: str) -> dict[str, Any]:
    return SAP_MESSAGE["details"][0] | {"severity": severity}


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        pytest.param(SAP_MESSAGE, DETAIL, id="the detail says more"),
        pytest.param(SAP_MESSAGE | {"details": []}, "ODATA_ERROR: Error occurred during processing", id="alone"),
        pytest.param(SAP_MESSAGE | {"severity": "ERROR"}, DETAIL, id="in capitals"),
        pytest.param(
            SAP_MESSAGE | {"severity": "info", "message": "Saved", "details": [detail("error")]},
            DETAIL,
            id="only the detail is an error",
        ),
        pytest.param(
            SAP_MESSAGE | {"details": [detail("warning"), {"code": "B", "message": "No", "severity": "error"}]},
            "B: No",
            id="a warning before the error",
        ),
        pytest.param([SAP_MESSAGE], DETAIL, id="a list"),
        pytest.param(SAP_MESSAGE | {"severity": "warning"}, "", id="a warning is no failure"),
        pytest.param(SAP_MESSAGE | {"severity": "info"}, "", id="information is no failure"),
    ],
)
@pytest.mark.parametrize("name", ["sap-message", "SAP-Message"])
def test_sap_message(name: str, message: Any, expected: str) -> None:
    assert words.spoken(words.trouble({"etag": "x", name: json.dumps(message)}), NOTHING) == expected


def test_a_sap_message_that_came_twice() -> None:
    both = f"{json.dumps(SAP_MESSAGE | {'severity': 'info'})}, {json.dumps(SAP_MESSAGE)}"
    assert DETAIL in words.spoken(words.trouble({"sap-message": both}), NOTHING)


def test_a_sap_message_in_xml() -> None:
    header = "<notification><code>A</code><message>No</message><severity>error</severity></notification>"
    assert words.spoken(words.trouble({"sap-message": header}), NOTHING) == "A: No"


def test_an_unreadable_sap_message_counts_as_an_error() -> None:
    assert words.trouble({"sap-message": "<oops"})
    assert not words.trouble({"etag": "x"})


# ---- what it means


@pytest.mark.parametrize(
    ("status", "code", "text", "expected"),
    [
        pytest.param(412, "", "", Meaning.CONFLICT, id="412"),
        pytest.param(404, "", "", Meaning.GONE, id="404"),
        pytest.param(423, "", "", Meaning.LOCKED, id="423"),
        pytest.param(403, "", "locked by X", Meaning.DENIED, id="the status counts more than the text"),
        pytest.param(409, "", "", Meaning.DUPLICATE, id="409"),
        pytest.param(409, "", "locked by X", Meaning.LOCKED, id="409 leaves it open"),
        pytest.param(400, "/SCMB/LOCK:001", "何か", Meaning.LOCKED, id="a lock by its code"),
        pytest.param(400, "MC/601", "?", Meaning.LOCKED, id="a lock by SAP's usual code"),
        pytest.param(400, "/IWFND/MED/170", "?", Meaning.DENIED, id="a service by its code"),
        pytest.param(400, "A/1", "No such field", Meaning.OTHER, id="anything else"),
        pytest.param(400, "BLOCKING/1", "Account is blocked by credit", Meaning.OTHER, id="a block is no lock"),
        pytest.param(400, "", "Kunde ist für Aufträge gesperrt", Meaning.OTHER, id="a block is no lock, in German"),
        pytest.param(400, "", "El cliente está bloqueado", Meaning.OTHER, id="a block is no lock, in Spanish"),
        pytest.param(400, "", "得意先はブロックされています", Meaning.OTHER, id="a block is no lock, in Japanese"),
        pytest.param(400, "", "Choose a lead source", Meaning.OTHER, id="nothing"),
    ],
)
def test_status_and_code_come_first(status: int, code: str, text: str, expected: Meaning) -> None:
    assert meaning(status, [Said(code, text)]) is expected


IN_WORDS = {
    Meaning.LOCKED: {
        "en": "Account is locked by user MEIER",
        "de": "Datensatz wird vom Benutzer MEIER gesperrt",
        "fr": "L'objet est verrouillé par l'utilisateur MEIER",
        "es": "El objeto está bloqueado por el usuario MEIER",
        "it": "L'oggetto è bloccato dall'utente MEIER",
        "nl": "Object is geblokkeerd door gebruiker MEIER",
        "pl": "Obiekt jest zablokowany przez użytkownika MEIER",
        "pt": "O objeto está bloqueado pelo usuário MEIER",
        "ja": "オブジェクトはユーザ MEIER によってロックされています",
        "zh": "对象已被用户 MEIER 锁定",
    },
    Meaning.DENIED: {
        "en": "You do not have the necessary authorization",
        "de": "Sie haben keine Berechtigung für diese Aktion",
        "fr": "Vous n'avez pas l'autorisation nécessaire",
        "es": "No tiene autorización para esta acción",
        "it": "Nessuna autorizzazione per questa azione",
        "nl": "U hebt geen autorisatie voor deze actie",
        "pl": "Brak uprawnień do tej czynności",
        "pt": "Você não tem autorização para esta ação",
        "ja": "この操作を実行する権限がありません",
        "zh": "您没有执行此操作的权限",
    },
    Meaning.DUPLICATE: {
        "en": "Account already exists",
        "de": "Account ist bereits vorhanden",
        "fr": "Le compte existe déjà",
        "es": "La cuenta ya existe",
        "it": "Il conto esiste già",
        "nl": "Account bestaat al",
        "pl": "Konto już istnieje",
        "pt": "A conta já existe",
        "ja": "取引先はすでに存在します",
        "zh": "客户已存在",
    },
}


LANGUAGES = ("en", "de", "fr", "es", "it", "nl", "pl", "pt", "ja", "zh")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("expected", IN_WORDS)
def test_the_text_decides_in_the_languages_of_saps_users(expected: Meaning, language: str) -> None:
    assert meaning(400, [Said("A/1", IN_WORDS[expected][language])]) is expected


@pytest.mark.parametrize(
    ("status", "headers", "body", "expected"),
    [
        pytest.param(403, {"x-csrf-token": "Required"}, "", True, id="by header"),
        pytest.param(403, {"X-CSRF-Token": "required"}, "", True, id="by header in any case"),
        pytest.param(403, {}, "CSRF token validation failed", True, id="by text"),
        pytest.param(403, {}, "Validierung des CSRF-Tokens fehlgeschlagen", True, id="by text of another language"),
        pytest.param(403, {}, "No authorization", False, id="another refusal"),
        pytest.param(400, {}, "CSRF", False, id="another status"),
    ],
)
def test_a_token_that_is_wanted(status: int, headers: dict[str, str], body: str, expected: bool) -> None:
    assert wants_token(status, headers, body) is expected


# ---- what may be repeated

PERSON = {
    "FirstName": "Ottilie",
    "LastName": "Ng",
    "Email": "ottilie.ng@acme.example",
    "Phone": "+49 221 1234",
    "Company": "Bank of Sauerland",
    "Note": "Score 82 of the contact is valid",
    "FunctionCode": "Z9",
    "Flag": True,
    "ChannelPermission": [{"Channel": "INT", "Remark": "Rheumatism"}],
}
SENT = sent_in([Operation("POST", "ContactCollection", PERSON)])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("Name Ottilie is not allowed", "Name … is not allowed", id="a value"),
        pytest.param("Name OTTILIE is not allowed", "Name … is not allowed", id="a value in capitals"),
        pytest.param("Value 'Ottilie' is not allowed", "Value … is not allowed", id="a value in quotes"),
        pytest.param("George Hargreaves is wrong", "… is wrong", id="somebody else's name"),
        pytest.param("Account of Huber-Meier, MEIER", "Account of …", id="somebody else's name in the middle"),
        pytest.param("Error SY/530 of /IWBEP/CM_MGW/020", "Error SY/530 of /IWBEP/CM_MGW/020", id="codes"),
        pytest.param("Property GroupCode is mandatory", "Property GroupCode is mandatory", id="a bare property"),
        pytest.param(
            "Function 02 is not valid for department 01", "Function 02 is not valid for department 01", id="x"
        ),
        pytest.param("Cannot maintain internal field", "Cannot maintain internal field", id="SAP's words"),
        pytest.param("Sauerland is too long", "… is too long", id="a word of a value"),
        pytest.param("The contact of it is not valid", "The contact of it is not valid", id="ordinary words stay"),
        pytest.param("Ng is no last name", "… is no last name", id="a short name"),
        pytest.param("Missing in ranking", "Missing in ranking", id="a value within a word stays"),
        pytest.param("Unknown: Rheumatism", "Unknown: …", id="a value of a child"),
        pytest.param("Code 'Z9' of 'FunctionCode' is wrong", "Code 'Z9' of 'FunctionCode' is wrong", id="a code"),
        pytest.param("Property 'GroupCode' is mandatory", "Property 'GroupCode' is mandatory", id="a property"),
        pytest.param('Property "Tier_KUT" is unknown', 'Property "Tier_KUT" is unknown', id="a custom property"),
        pytest.param("Field 'Sales Unit' is mandatory", "Field 'Sales Unit' is mandatory", id="the label of a field"),
        pytest.param("Value 'BUP002' is unknown", "Value 'BUP002' is unknown", id="a code that was not sent"),
        pytest.param("Segment 'LeadCollection'", "Segment 'LeadCollection'", id="a collection"),
        pytest.param("Value 'Grete' is unknown", "Value … is unknown", id="a quotation of somebody else"),
        pytest.param("Value «Grete Huber» „Huber“", "Value …", id="other quotation marks"),
        pytest.param("it isn't that it doesn't", "it isn't that it doesn't", id="apostrophes quote nothing"),
        pytest.param("Mail a.b@home.example exists", "Mail … exists", id="an e-mail address"),
        pytest.param("Call +49 (30) 765-4321 now", "Call … now", id="a phone number"),
        pytest.param("No role for user MEIER", "No role for user …", id="a user's name"),
        pytest.param("Der Benutzer 'Meier' sperrt", "Der … sperrt", id="a user's name in quotes"),
        pytest.param("005056A509B11EE1B9A8FEC11C21578E", "005056A509B11EE1B9A8FEC11C21578E", id="a code of SAP's"),
    ],
)
def test_words_names_and_codes_stay_and_what_was_sent_goes(text: str, expected: str) -> None:
    assert redacted(text, SENT) == expected


def test_what_a_filter_asked_for_goes_also_in_a_next_link() -> None:
    query = Query("ContactCollection", any_of("Email", ["O'Neil@Home", "*grete*"]))
    for sent in (sent_in([query]), sent_in([query.url()])):
        assert sent.names == {"Email"}
        assert redacted("Grete: 'Email' O'Neil@home is wrong", sent) == "…: 'Email' … is wrong"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        pytest.param("/IWBEP/CM_MGW_RT/020", "/IWBEP/CM_MGW_RT/020", id="a code"),
        pytest.param("Ottilie", "…", id="a value"),
        pytest.param("a@b.example", "…", id="an address"),
        pytest.param("No such field", "No such field", id="words"),
    ],
)
def test_a_code_is_repeated_as_it_is_if_it_is_one(code: str, expected: str) -> None:
    assert SENT.code(code) == expected


def test_nothing_was_sent() -> None:
    assert sent_in([]) == NOTHING == Sent()
    assert redacted("Value 'Z_1' of 'City' is wrong", NOTHING) == "Value 'Z_1' of 'City' is wrong"
