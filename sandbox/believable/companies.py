"""Companies as marketing keeps them in HubSpot: mostly complete, spelled in many ways."""

from dataclasses import dataclass
from random import Random

from sandbox.believable.names import LANDS, Land, ascii_word
from sandbox.believable.quota import quota
from sandbox.hubspot.schema import INDUSTRIES, LIFECYCLE

_NAMES = {"plain": 88.0, "long": 9.0, "domain_only": 2.0, "nothing": 1.0}
_WEB = {"plain": 72.0, "www": 14.0, "website_only": 6.0, "none": 8.0}


@dataclass
class Company:
    """One made-up company; `host` is its web host in small letters without www."""

    land: Land
    host: str
    name: str
    properties: dict[str, str]
    id: str = ""


def companies(random: Random, size: int) -> list[Company]:
    """As many different companies as asked for."""
    lands = quota(random, size, LANDS)
    kinds = quota(random, size, _NAMES)
    webs = quota(random, size, _WEB)
    taxed = quota(random, size, {False: 62.0, True: 38.0})
    hosts: set[str] = set()
    made = []
    for land, kind, web, tax in zip(lands, kinds, webs, taxed, strict=True):
        company = _company(random, land, kind, hosts)
        if kind != "nothing":
            company.properties |= _web(random, company.host, web if kind != "domain_only" else "plain")
        if tax:
            company.properties["tax_number"] = land.tax.format(random.randrange(10_000_000, 99_999_999))
        made.append(company)
    return made


def _company(random: Random, land: Land, kind: str, hosts: set[str]) -> Company:
    place = random.choice(land.places)
    name = _name(random, land, place[1], kind)
    host = _free_host(random, ascii_word(name), hosts)
    properties = _facts(random) | _address(random, land, place)
    if kind in ("plain", "long"):
        properties["name"] = name
    return Company(land, host, name, properties)


def _free_host(random: Random, word: str, hosts: set[str]) -> str:
    """A host of its own: of two companies with one name the second got the domain with a number."""
    label = short = word[:50].strip("-")
    while f"{label}.example" in hosts:
        label = f"{short}-{random.randrange(2, 99_999)}"
    hosts.add(f"{label}.example")
    return f"{label}.example"


def _name(random: Random, land: Land, city: str, kind: str) -> str:
    surname = random.choice(land.surnames)
    if kind == "long":
        return random.choice(land.long_names).format(f"{surname} {city}")
    partner = random.choice(("", "", f" & {random.choice(land.surnames)}"))
    town = random.choice(("", f" {city.split()[0]}"))
    name = f"{surname}{partner} {random.choice(land.trades)}{town} {random.choice(land.forms)}"
    return name if len(name) <= 40 else f"{surname} {random.choice(land.trades)} {land.forms[0]}"


def _web(random: Random, host: str, kind: str) -> dict[str, str]:
    """HubSpot's domain is typed in by people too, so it may carry www. and capitals."""
    capital = "-".join(part.capitalize() for part in host.split("-"))
    site = random.choice((f"https://www.{host}/", f"http://{host}", f"www.{capital}", f"https://{host}/de/start?x=1"))
    match kind:
        case "none":
            return {}
        case "website_only":
            return {"website": site}
        case "www":
            return {"domain": f"www.{capital}", "website": site}
        case _:
            return {"domain": host} | ({"website": site} if random.random() < 0.6 else {})


def _address(random: Random, land: Land, place: tuple[str, str]) -> dict[str, str]:
    number = f"{random.randrange(1, 180)}{random.choice(('', '', '', 'a', 'b'))}"
    street = random.choice(land.streets)
    address = {
        "zip": place[0], "city": place[1], "country": random.choice(land.spellings),
        "address": f"{number} {street}" if land.code == "GB" else f"{street} {number}",
        "phone": phone(random, land),
    }  # fmt: skip
    if random.random() < 0.05:
        address["address2"] = "Gebäude C, 3. OG"
    return address


def _facts(random: Random) -> dict[str, str]:
    facts = {"lifecyclestage": random.choice(LIFECYCLE)}
    if random.random() < 0.85:
        facts["industry"] = random.choice(INDUSTRIES)
    if random.random() < 0.8:
        people = random.choice((8, 24, 60, 99, 100, 250, 480, 1_900, 2_000, 5_400))
        facts["numberofemployees"] = str(people)
        facts["annualrevenue"] = str(people * random.randrange(90_000, 320_000))
    if random.random() < 0.3:
        facts["description"] = "Familienunternehmen seit 1923.\nKunde über Messe – siehe Notiz."
    return facts


def phone(random: Random, land: Land) -> str:
    """A number in its land's form; where a regulator keeps numbers for drama it is one of them."""
    holes = land.phone.count("{:")
    width = 10 ** int(land.phone.split("{:0")[1][0])
    return land.phone.format(*(random.randrange(width) for _ in range(holes)))
