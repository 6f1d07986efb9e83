"""The note on a lead: why marketing hands it over, in the language of the salespeople.

Pure. It names scores, consent and companies' ids, and no personal data beyond what the lead holds anyway.
"""

from collections.abc import Mapping
from typing import Literal

from sync.domain.decision import Decision
from sync.domain.rules import Consent, Score
from sync.domain.scores import score_number
from sync.domain.views import ContactView
from sync.planner.consent import opted_out

_Language = Literal["en", "de"]

_TEXTS: Mapping[_Language, Mapping[str, str]] = {
    "en": {
        "title": "Handed over by marketing (HubSpot contact {contact})",
        "points": "Score {score}: {value} points, {threshold} are needed",
        "tier": "Score {score}: {value}",
        "filter": "Fulfils the criteria: {filters}",
        "basis": "Legal basis for processing: {basis}",
        "company": "Account by HubSpot company {company}",
        "text_only": "No company is linked in HubSpot; company and person are noted as text",
        "optout": "Has opted out of marketing e-mails",
    },
    "de": {
        "title": "Vom Marketing übergeben (HubSpot-Kontakt {contact})",
        "points": "Score {score}: {value} Punkte, nötig sind {threshold}",
        "tier": "Score {score}: {value}",
        "filter": "Erfüllt die Kriterien: {filters}",
        "basis": "Rechtsgrundlage der Verarbeitung: {basis}",
        "company": "Account laut HubSpot-Unternehmen {company}",
        "text_only": "In HubSpot ist kein Unternehmen verknüpft; Firma und Person stehen als Text im Lead",
        "optout": "Hat Marketing-E-Mails abbestellt",
    },
}


def lead_note(view: ContactView, decision: Decision, score: Score, consent: Consent, language: _Language) -> str:
    """The note with one reason on each line."""
    texts = _TEXTS[language]
    lines = [texts["title"].format(contact=view.id), f"- {_score(view, score, texts)}"]
    if score.filters:
        lines.append("- " + texts["filter"].format(filters=", ".join(score.filters)))
    if basis := view.get(consent.legal_basis_property):
        lines.append("- " + texts["basis"].format(basis=basis.replace(";", "; ")))
    company = decision.company
    lines.append("- " + (texts["company"].format(company=company.id) if company else texts["text_only"]))
    if opted_out(view.get(consent.optout_property)):
        lines.append(f"- {texts['optout']}")
    return "\n".join(lines)


def _score(view: ContactView, score: Score, texts: Mapping[str, str]) -> str:
    value = view.get(score.property)
    if score.threshold is None:
        return texts["tier"].format(score=score.name, value=value)
    points = score_number(value)
    shown = value if points is None else f"{points:g}"
    return texts["points"].format(score=score.name, value=shown, threshold=f"{score.threshold:g}")
