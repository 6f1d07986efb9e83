"""Contacts as marketing keeps them: with and without names, consent, scores, companies."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from sandbox.believable.companies import Company, phone
from sandbox.believable.names import JOBS, LANDS, LONG_SURNAMES, SALUTATIONS, Land, ascii_word
from sandbox.believable.quota import quota
from sandbox.hubspot.schema import CONFIRMATION, LEAD_STATUS, LEGAL_BASIS, LIFECYCLE

THRESHOLD = 75
CUSTOM_LABELS = ("Decision maker", "Billing", "Consultant", "Competitor")

# Kinds of association, in percent of all contacts.
RELATIONS = {
    "primary": 57.0, "several_with_primary": 15.0, "one_without_primary": 7.0, "several_without_primary": 5.0,
    "text": 8.0, "nothing": 8.0,
}  # fmt: skip
# Scores cluster round the threshold of 75 and the lower mark of 60, where mistakes show.
_SCORES = {
    "low": 37.0, "": 10.0, "0": 8.0, "59": 1.5, "60": 2.0, "middle": 16.5, "74": 3.5, "74.0": 1.0, "74.9": 0.5,
    "75": 3.0, "75.0": 1.5, "76": 2.0, "82.0": 1.0, "high": 12.5,
}  # fmt: skip
_OTHER, _CONSENT, _NONE = LEGAL_BASIS[2], LEGAL_BASIS[4], LEGAL_BASIS[5]
_BASIS = {
    _CONSENT: 36.0, LEGAL_BASIS[0]: 20.0, LEGAL_BASIS[1]: 6.0, _OTHER: 3.0, LEGAL_BASIS[3]: 3.0,
    f"{LEGAL_BASIS[0]};{_CONSENT}": 4.0, f"{_NONE};{_CONSENT}": 4.0, _NONE: 8.0, "": 16.0,
}  # fmt: skip


@dataclass
class Person:
    """One made-up contact and the companies it belongs to: (company, labels)."""

    properties: dict[str, str]
    links: list[tuple[Company, list[str]]] = field(default_factory=list)
    id: str = ""

    @property
    def hot(self) -> bool:
        basis = set(self.properties.get("hs_legal_basis", "").split(";")) - {"", _NONE}
        return float(self.properties.get("lead_score", "0")) >= THRESHOLD and bool(basis)


def people(random: Random, size: int, companies: Sequence[Company], owners: dict[str, float]) -> list[Person]:
    """Contacts of those companies; `owners` are HubSpot owner ids with their share of 100."""
    relations = quota(random, size, RELATIONS if companies else {"text": 50.0, "nothing": 50.0})
    scores = quota(random, size, _SCORES)
    bases = quota(random, size, _BASIS)
    owned = quota(random, size, owners)
    gaps = quota(random, size, {"": 93.5, "lastname": 2.0, "email": 3.0, "firstname": 1.0, "long": 0.5})
    made = []
    for relation, score, basis, owner, gap in zip(relations, scores, bases, owned, gaps, strict=True):
        person = _person(random, relation, companies)
        person.properties |= _scores(random, score) | _consent(random, basis)
        person.properties |= {"hubspot_owner_id": owner}
        _leave_out(random, person, gap)
        made.append(person)
    _share_addresses(random, made)
    return made


def _person(random: Random, relation: str, companies: Sequence[Company]) -> Person:
    links = _links(random, relation, companies)
    employer = links[0][0] if links else None
    land = employer.land if employer else random.choice(list(LANDS))
    first, last = random.choice(land.first_names), random.choice(land.surnames)
    host = employer.host if employer else "postfach.example"
    properties = _self(random, land, first, last, host)
    if relation == "text":
        properties["company"] = f"{random.choice(land.surnames)} {random.choice(land.trades)}"
    elif employer and random.random() < 0.5:
        properties["company"] = employer.name
    return Person(properties, links)


def _self(random: Random, land: Land, first: str, last: str, host: str) -> dict[str, str]:
    box = f"{ascii_word(first)}.{ascii_word(last)}{random.randrange(10, 1_000_000)}"
    mail = f"{box}@{host}"
    place = random.choice(land.places)
    properties = {
        "firstname": first, "lastname": last, "email": mail.title() if random.random() < 0.03 else mail,
        "hs_language": land.language, "lifecyclestage": random.choice(LIFECYCLE), "jobtitle": random.choice(JOBS),
        "country": random.choice(land.spellings), "city": place[1], "zip": place[0],
    }  # fmt: skip
    extras = {
        "phone": phone(random, land), "mobilephone": phone(random, land), "salutation": random.choice(SALUTATIONS),
        "hs_lead_status": random.choice(LEAD_STATUS), "address": f"{random.choice(land.streets)} 4",
        "state": "Schleswig-Holstein",
    }  # fmt: skip
    return properties | {name: value for name, value in extras.items() if random.random() < 0.45}


def _links(random: Random, relation: str, companies: Sequence[Company]) -> list[tuple[Company, list[str]]]:
    if relation in ("text", "nothing"):
        return []
    count = 1 if relation in ("primary", "one_without_primary") else random.choice((2, 2, 3))
    chosen = random.sample(companies, min(count, len(companies)))
    links = [(company, _labels(random)) for company in chosen]
    if not relation.endswith("without_primary"):
        links[0][1].insert(0, "Primary")
    return links


def _labels(random: Random) -> list[str]:
    return [label for label in CUSTOM_LABELS if random.random() < 0.15]


def _scores(random: Random, kind: str) -> dict[str, str]:
    ranges = {"low": (1, 59), "middle": (61, 74), "high": (77, 101)}
    score = str(random.randrange(*ranges[kind])) if kind in ranges else kind
    # The old score froze in August 2025 and says nothing any more.
    frozen = {"hubspotscore": str(random.randrange(0, 120))} if random.random() < 0.5 else {}
    if not score:
        return frozen
    fit = round(float(score)) // 2
    interest = round(float(score)) - fit
    tier = f"{'ABC'[2 - min(2, fit // 17)]}{3 - min(2, interest // 17)}"
    return frozen | {
        "lead_score": score, "fit_score": str(fit), "interest_score": str(interest), "engagement_tier": tier,
    }  # fmt: skip


def _consent(random: Random, basis: str) -> dict[str, str]:
    consent = {"hs_legal_basis": basis} if basis else {}
    draw = random.random()
    if draw < 0.08:
        consent["hs_email_optout"] = "true"
    elif draw < 0.3:
        consent["hs_email_optout"] = "false"
    if basis.endswith(_CONSENT) and random.random() < 0.7:
        consent["hs_emailconfirmationstatus"] = random.choice(CONFIRMATION)
    return consent


def _leave_out(random: Random, person: Person, gap: str) -> None:
    if gap == "long":
        person.properties["lastname"] = random.choice(LONG_SURNAMES)
    else:
        person.properties.pop(gap, None)


def _share_addresses(random: Random, made: Sequence[Person]) -> None:
    """A couple of contacts use one mailbox, here and there in other letters."""
    with_mail = [person for person in made if "email" in person.properties]
    for first, second in zip(with_mail[7::150], with_mail[8::150], strict=False):
        mail = first.properties["email"]
        second.properties["email"] = random.choice((mail, mail.upper()))
