"""Rule files load, or are refused with every mistake named; the page about them cannot go stale."""

from __future__ import annotations

import re
import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest
from examples import examples
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from pydantic import BaseModel
from rules_world import MQL, PROJECT, company, contact, labelled, rules

from sync import config
from sync.admin.prediction import predict
from sync.contracts.tenant import assumed
from sync.domain import conditions
from sync.domain import rules as models
from sync.domain.rules import Qualification
from sync.domain.views import ContactView
from sync.errors import ConfigurationError
from sync.mappers.transforms import TRANSFORMS
from sync.planner.plan import Tenant
from sync.planner.predicting.remembered_target import Assumptions
from sync.planner.qualify import qualify
from sync.rule_files import checks as rule_checks

EXAMPLES = [PROJECT / "config", PROJECT / "config" / "examples" / "group"]
PAGE = (PROJECT / "docs" / "rules.md").read_text(encoding="utf-8")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    for path in (PROJECT / "config").glob("*.toml"):
        shutil.copy(path, tmp_path)
    return tmp_path


def problems(directory: Path, **texts: str) -> list[str]:
    for name, text in texts.items():
        (directory / f"{name}.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as refused:
        config.load(directory)
    return refused.value.problems


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_both_configurations_load(path: Path) -> None:
    assert config.load(path).rules.fingerprint


TERRITORIES = "[owners.y]\norder = ['territory']\nterritories = [{}]"
REFUSED = [
    (MQL + "treshold = 3", "qualification.toml: scores.0 (mql).treshold: unknown key; did you mean `threshold`?"),
    (MQL.replace("75", '"x"'), "qualification.toml: scores.0 (mql).threshold: found 'x', must be a number, without quotes"),
    (MQL.replace("75", "nan"), "qualification.toml: scores.0 (mql).threshold: found nan, must be a number of finite size"),
    (MQL.replace("60", "90"), "`rearm_below` 90 lies above `threshold` 75"),
    (MQL + 'tiers = ["A"]', "give either `threshold` (a number) or `tiers` (a list of labels)"),
    (MQL + 'rearm_tiers = ["A"]', "`rearm_tiers` go with `tiers`"),
    (MQL + MQL, "qualification.toml: scores: 'mql' appears twice"),
    (MQL + 'filters = ["Zeil"]\n[filters.Ziel]\nproperty = "x"\nknown = true', "scores.0 (mql).filters: found 'Zeil'; did you mean `Ziel`?"),
    (MQL + 'route = "nord"', "scores.0 (mql).route: found 'nord'; allowed: default"),
    (MQL + 'routes = [{ when = { property = "x", known = true }, route = "y" }]', "scores.0 (mql).routes.0.route: found 'y'"),
    (MQL + "conditions = [{ property = 'x' }]", "name a test: known, in, not_in, at_least, at_most, between or matches"),
    (MQL + "conditions = [{ property = 'x', matches = '(' }]", "`matches` is not a regular expression"),
    (MQL + "conditions = [{ property = 'x', matches = '(?=a)b' }]", "which has no look-around and no back references"),
    (MQL + "conditions = [{ property = 'x', between = [3, 2] }]", "`between` 3 and 2 is empty"),
    (MQL + "conditions = [{ known = true }]", "give exactly one of `property` (with its tests), `filter`, `all`, `any` and `not`"),
    (MQL + "conditions = [{ property = 'x', knwon = true }]", "scores.0 (mql).conditions.0.knwon: unknown key; did you mean `known`?"),
    (MQL + "conditions = [{ property = 'x', as = 'contry', known = true }]", "scores.0 (mql).conditions.0.as: found 'contry'; did you mean `country`?"),
    (MQL + "conditions = [{ property = 'deal.amount', known = true }]", "found 'deal' before the dot, allowed: company, contact, derived"),
    (MQL + "conditions = [{ property = 'derived.segmnt', known = true }]", "found 'segmnt' after the dot; did you mean `segment`?"),
    (MQL + "conditions = [{ property = 'derived.segment', in = ['midmarkt'] }]", "found 'midmarkt'; did you mean `midmarket`?"),
    (MQL + "[filters.a]\nfilter = 'b'\n[filters.b]\nnot = { filter = 'a' }", "filters: a → b → a is a circle"),
    (MQL + "[routes.default]\nlead_name = '{compny.name}'", "routes.default.lead_name: source `compny.name`"),
    (MQL + "[routes.default]\nlead_name = '{c4c.owner_uuid}'", "{c4c.owner_uuid} is an id, not a text"),
    (MQL + "[routes.default]\nowner = 'x'\n[owners.y]\norder = ['contact_owner']", "routes.default.owner: found 'x'; allowed: y"),
    (MQL + "[owners.y]\norder = ['round_robin']", "`order` must name round_robin if, and only if, its list is given"),
    (MQL + "[owners.y]\norder = ['territory']\nterritories = [{ country = 'Germany', owner = 'a@b' }]", "owners.y.territories.0.country: found 'Germany', must be two capital letters, such as DE"),
    (MQL + "[owners.y]\norder = ['territory']\nterritories = [{ segment = 'big', owner = 'a@b' }]", "owners.y.territories.0.segment: found 'big'"),
    (MQL + "[[labels]]\nlabel = 'x'", "say what the label does: fields, account, blocks, route or relationship"),
    (MQL + "[[labels]]\nlabel = 'x'\nrelationship = false\naccount = true", "`relationship = false` leaves no use for fields, account and route; leave them out"),
    (MQL + "[[labels]]\nlabel = 'x'\nfields = { FunctonCode = '1' }", "labels.0 (x).fields: `FunctonCode` is not a field of ContactIsContactPersonFor; did you mean `FunctionCode`?"),
    (MQL + "[[labels]]\nlabel = 'x'\nfields = { ContactID = '1' }", "`ContactID` of ContactIsContactPersonFor cannot be set by a label"),
    (MQL + "[[labels]]\nlabel = 'x'\nfields = { FunctionCode = 'Z0001' }", "labels.0 (x).fields: `FunctionCode` holds 4 characters, found 'Z0001' with 5"),
    (MQL + "[segments]\nnames = ['a', 'a', 'b']", "segments: names: found ['a', 'a', 'b']; the three names must differ"),
    (MQL + "[segments]\nmiddle_from = { revenue = 9, people = 9 }\ntop_above = { revenue = 8, people = 9 }", "segments: top_above.revenue: found 8"),
    (MQL.replace("lead_score", "company.fit"), "scores.0 (mql).property: found 'company.fit', must name a property of the contact"),
    (MQL + "and = [{ property = 'contact.', threshold = 1 }]", "scores.0 (mql).and.0.property: found 'contact.', must name a property"),
    (MQL + "[consent]\noptout_property = 'company.optout'", "consent.optout_property: found 'company.optout', must name a property of the contact"),
    (MQL + "[segments]\npeople_property = 'contact.people'", "segments.people_property: found 'contact.people', must name a property of the company"),
    (MQL + "[owners.y]\norder = ['contact_owner']\npostal_property = 'contact.zip'", "owners.y.postal_property: found 'contact.zip', must name a property without an object"),
    (MQL + "[consent]\nallowed_basis = ['']", "consent.allowed_basis.0: found '', an empty property never counts as a value"),
    (MQL + "[consent]\nchannels = [{ channel = 'TEL', property = 'x', refused = ['no', ''] }]", "consent.channels.0 (TEL).refused.1: found '', an empty property never counts as a value"),
    (MQL.replace("threshold = 75\nrearm_below = 60", "tiers = ['A', ' ']"), "scores.0 (mql).tiers.1: found ' ', an empty property never counts"),
    (MQL.replace("75", "true"), "scores.0 (mql).threshold: found true, must be a number, without quotes"),
    (MQL.replace("75", '"75"'), "scores.0 (mql).threshold: found '75', must be a number, without quotes"),
    (MQL + "conditions = [{ property = 'x', between = [false, 1] }]", "conditions.0.between.0: found false, must be a number, without quotes"),
    (MQL + "conditions = [{ property = 'x', known = 'yes' }]", "conditions.0.known: found 'yes', must be true or false, without quotes"),
    (MQL + "[consent]\nstop_updates_when_withdrawn = 1", "consent.stop_updates_when_withdrawn: found 1, must be true or false, without quotes"),
    (MQL + "[[labels]]\nlabel = 'x'\naccount = 'on'", "labels.0 (x).account: found 'on', must be true or false, without quotes"),
    (MQL + "filters = 'Ziel'", "scores.0 (mql).filters: found 'Ziel', must be a list in square brackets"),
    (MQL + "filters = ['Ziel']", "scores.0 (mql).filters: found 'Ziel', and none is defined; write [filters.\"<name>\"] with a condition"),
    (MQL + "[routes.default]\nowner = 'x'", "routes.default.owner: found 'x', and none is defined; write [owners.\"<name>\"] with an `order`"),
    (MQL + "[filters.'']\nknown = 3", "filters.\"\".known: found 3, must be true or false, without quotes"),
    (MQL + "conditions = [{ property = 'x', as = ['country'], known = true }]", "conditions.0.as: must be one of text, plain_text, email"),
    (MQL + f"conditions = [{{ property = 'x', matches = '{'(' * 9000}' }}]", f"no back references: missing ): {'(' * 68}…"),
    (MQL + "[filters.'']\nproperty = 'x'\nknown = true", "qualification.toml: filters: found an entry without a name; give it one: [filters.name]"),
    (MQL + f"[filters.'{'x' * 101}']\nproperty = 'x'\nknown = true", f"filters: found the name '{'x' * 79}…' of 101 characters, which must have at most 100 characters"),
    (MQL.replace("mql", "m" * 100_000), f"name: found '{'m' * 79}…', must have at most 30 characters"),
    (MQL.replace("75", "9" * 2000), "scores.0 (mql).threshold: found 999999"),
    (MQL.replace("75", "0x" + "f" * 9000), "scores.0 (mql).threshold: found (a number too long to show), must be a number"),
    (MQL.replace("75", "9" * 5000), "qualification.toml: holds a number that is too long to read"),
    (MQL + "[consent]\nemail_channel = ''", "consent.email_channel: found '', must not be empty"),
    (MQL + "[consent]\ngranted = '2'", "consent.granted: found '2', the code of `refused`"),
    (MQL + "[consent]\nallowed_basis = []", "consent.allowed_basis: must not be empty; leave it out to allow every basis"),
    (MQL + "[consent]\nallowed_basis = ['A', 'Not applicable']", "consent.allowed_basis: found 'Not applicable', which `no_basis` names too"),
    (MQL + "[consent]\nallowed_basis = ['A']\nconfirmation_for = ['B']", "consent.confirmation_for: found 'B', which never counts; add it to `allowed_basis`"),
    (MQL + "[consent]\nconfirmation_for = ['Not applicable']", "consent.confirmation_for: found 'Not applicable', which `no_basis` names; it never counts"),
    (MQL + "[consent]\nconfirmation_for = ['A']\nconfirmed = []", "consent.confirmed: must not be empty while `confirmation_for`"),
    (MQL + "[consent]\nchannels = [{ channel = 'TEL', property = 'x', refused = 'a' }, { channel = 'TEL', property = 'x', granted = 'a' }]", "consent.channels.1 (TEL): channel 'TEL' is read from 'x' by channels.0 already; name all its values in one entry"),
    (MQL + "[routes.default]\nlead_name = ''", "routes.default.lead_name: must not be empty; leave it out for the usual name"),
    (MQL + "[routes.default]\nlead_name = 'UP {company.name'", "routes.default.lead_name: found 'UP {company.name', which has a brace without its partner; write sources as {company.name}"),
    (MQL + "[routes.default]\nlead_name = '{route.lead_name}'", "routes.default.lead_name: source `route.lead_name`: found 'lead_name' after the dot; did you mean"),
    (MQL + "conditions = [{ property = 'x', at_least = 3, at_most = 2 }]", "scores.0 (mql).conditions.0: `at_least` 3 lies above `at_most` 2; no number is both"),
    (MQL + "conditions = [{ not = { property = 'x', as = 'country', in = ['Germany'] } }]", "conditions.0: `x`: found 'Germany', which `as = \"country\"` never gives; did you mean `DE`?"),
    (MQL + "[filters.a]\nproperty = 'x'\nas = 'country'\nnot_in = ['XX']", "filters.a: `x`: found 'XX', which `as = \"country\"` never gives; allowed: ISO 3166-1 codes, such as DE"),
    (MQL + "[filters.a]\nproperty = 'x'\nas = 'country'\nin = ['Germny']", "found 'Germny', which `as = \"country\"` never gives; did you mean `DE`?"),
    (MQL + "[filters.a]\nproperty = 'x'\nas = 'boolean'\nin = ['yes']", "found 'yes', which `as = \"boolean\"` never gives; allowed: true, false"),
    (MQL + TERRITORIES.format("{ country = 'XX', owner = 'a@b' }"), "owners.y.territories.0.country: found 'XX'; allowed: ISO 3166-1 codes"),
    (MQL + TERRITORIES.format("{ country = 'UK', owner = 'a@b' }"), "owners.y.territories.0.country: found 'UK'; did you mean `GB`?"),
    (MQL + TERRITORIES.format("{ postal = ['2', 'abc'], owner = 'a@b' }"), "territories.0.postal.1: found 'abc', but no postal code begins so; allowed: such as 20 or 20-25"),
    (MQL + TERRITORIES.format("{ country = 'DE', postal = ['D'], owner = 'a@b' }"), "territories.0.postal.0: found 'D', but no postal code of DE begins so"),
    (MQL + TERRITORIES.format("{ postal = ['3-1'], owner = 'a@b' }"), "territories.0.postal.0: found '3-1', which is empty: the lower end comes first, so write 1-3"),
    (MQL + TERRITORIES.format("{ postal = ['20-3'], owner = 'a@b' }"), "territories.0.postal.0: found '20-3', whose ends must have the same number of characters"),
    (MQL + TERRITORIES.format("{ postal = ['2_'], owner = 'a@b' }"), "territories.0.postal.0: found '2_', must be a beginning of postal codes, such as"),
    (MQL + TERRITORIES.format("{ owner = 'a@b' }, { country = 'DE', owner = 'c@d' }"), "owners.y.territories.1: is never reached, since territories.0 fits all that it fits; put the narrower row first"),
    (MQL + TERRITORIES.format("{ country = 'DE', postal = ['2-4'], owner = 'a@b' }, { country = 'DE', postal = ['20', '30-41'], owner = 'c@d' }"), "owners.y.territories.1: is never reached"),
    ("scores = []", "qualification.toml: scores: must not be empty"),
    ("scores = 3 3", "qualification.toml: not a TOML file"),
    ("x = " + "[" * 5000, "qualification.toml: is "),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), REFUSED)
def test_refused_with_file_key_found_and_remedy(directory: Path, text: str, expected: str) -> None:
    assert any(expected in problem for problem in problems(directory, qualification=text))


FIELD = '[account]\nfields = [{{ {0} }}, {{ target = "RoleCode", value = "BUP002", rule = "create_only" }}]\n[contact]\nfields = [{{ target = "LastName", source = "lastname", rule = "hubspot_wins" }}]\n[lead]\nclosed_status = ["4"]\naccepted_status = []\nfields = [{{ target = "Name", value = "x", rule = "create_only" }}]\n'
LONG = "x" * 41
REFUSED_FIELDS = [
    ('target = "Name", source = "name", table = {}, rule = "c4c_wins"', "account.fields.0 (Name): table: must not be empty; leave it out to write values as they are"),
    ('target = "Name", source = "name", table = { De = "1", DE = "2" }, rule = "c4c_wins"', "table: found 'De' and 'DE', which are the same, since case does not matter"),
    ('target = "Name", source = "name", transform = "country", table = { Germany = "1" }, rule = "c4c_wins"', "table: found 'Germany', which `transform = \"country\"` never gives; did you mean `DE`?"),
    ('target = "Name", source = "name", country = "XX", rule = "c4c_wins"', "account.fields.0 (Name): country: found 'XX'; allowed: ISO 3166-1 codes"),
    ('target = "Name", template = "Acme", rule = "c4c_wins"', "account.fields.0 (Name): template: found 'Acme' without a source in braces; for a constant use `value`"),
    ('target = "Name", template = "{name} {city", rule = "c4c_wins"', "template: found '{name} {city', which has a brace without its partner"),
    ('target = "Name", source = "name", may_blank = true, rule = "create_only"', "may_blank: found true beside `create_only`, by which nothing is written later"),
    (f'target = "Name", value = "{LONG}", rule = "c4c_wins"', f"account.fields.0 (Name): value: found '{LONG}' with 41 characters, which is more than the field holds"),
    (f'target = ["Name", "AdditionalName"], value = "{LONG}{LONG}", rule = "c4c_wins"', "value: found 'xxx"),
    (f'target = "Name", source = "name", default = "{LONG}", rule = "c4c_wins"', "default: found 'xxx"),
    (f'target = "Name", source = "name", table = {{ a = "{LONG}" }}, otherwise = "{LONG}", rule = "c4c_wins"', "table: found 'xxx"),
    (f'target = "Name", source = "name", table = {{ a = "b" }}, otherwise = "{LONG}", rule = "c4c_wins"', "otherwise: found 'xxx"),
    ('target = "Name", source = "name", rule = "c4c_wins", may_blank = "yes"', "account.fields.0 (Name).may_blank: found 'yes', must be true or false, without quotes"),
    ('target = "Nmae", source = "name", rule = "c4c_wins"', "account.fields.0 (Nmae): `Nmae` is not a field of CorporateAccount; did you mean `Name`?"),
    ('target = "ExternalID", source = "name", rule = "c4c_wins"', "`ExternalID` of CorporateAccount is read-only"),
    ('target = "Name", source = "name", rule = "c4c_win"', "account.fields.0 (Name).rule: found 'c4c_win'; did you mean `c4c_wins`?"),
    ('target = "Name", source = "name", value = "x", rule = "c4c_wins"', "give exactly one of `source`, `value` and `template`"),
    ('target = "Name", source = "name", transform = "uper", rule = "c4c_wins"', "account.fields.0 (Name).transform: found 'uper'; did you mean `upper`?"),
    ('target = "Name", source = "name", otherwise = "x", rule = "c4c_wins"', "`otherwise` goes with a `table`"),
    ('target = "Name", source = "name", join = "x", rule = "c4c_wins"', "`join` goes with several sources"),
    ('target = "Name", source = "name", misfit = "cut", rule = "c4c_wins"', "account.fields.0 (Name).misfit: found 'cut'; allowed: warn, reject"),
    ('target = "Name", source = "owner.nobody", rule = "c4c_wins"', "source `owner.nobody`: found 'nobody'"),
    ('target = "Name", source = "route.orign", rule = "c4c_wins"', "source `route.orign`: found 'orign' after the dot; did you mean `origin`?"),
    ('target = "Name", template = "{ }", rule = "c4c_wins"', "found an empty name in braces"),
    ('target = "Name", source = "name", rule = "c4c_wins" }, { target = ["City", "Name"], source = "city", rule = "c4c_wins"', "account.fields.1 (City, Name).target: `Name` is filled by fields.0 already; name all sources in one entry"),
    ('target = "Phone", source = "phone", transform = "phone_e164", country = "Germany", rule = "c4c_wins"', "account.fields.0 (Phone).country: found 'Germany', must be two capital letters, such as DE"),
    ('target = "HubSpotID_KUT", source = "name", rule = "c4c_wins"', "account.fields.0 (HubSpotID_KUT): `HubSpotID_KUT` is the external key, which the sync fills itself"),
    ('target = "Name", source = "name", rule = "c4c_wins", when = "account"', "account.fields.0 (Name): when: found 'account', which tells leads apart; it is allowed in [lead] only"),
    ('target = "Name", value = " ", rule = "c4c_wins"', "account.fields.0 (Name): `value` is empty and would write nothing"),
    ('target = "Name", template = "", rule = "c4c_wins"', "account.fields.0 (Name): `template` is empty and would write nothing"),
    ('target = "Name", source = "name", default = "", rule = "c4c_wins"', "account.fields.0 (Name): `default` is empty and would write nothing"),
    ('target = "Name", source = "contact.lastname", rule = "c4c_wins"', "found 'contact.lastname', which never has a value in [account]; allowed there: c4c.owner_uuid, company, derived, owner"),
    ('target = "Name", source = "c4c.contact_uuid", rule = "c4c_wins"', "found 'c4c.contact_uuid', which never has a value in [account]"),
    ('target = "OwnerUUID", source = "c4c.owner_uuid", rule = "c4c_wins" }, { target = "OwnerID", source = "sales", rule = "c4c_wins"', "account.fields.1 (OwnerID).target: `OwnerID` is filled by fields.0 already, as `OwnerUUID`"),
    ('target = ["OwnerUUID", "OwnerID"], source = "sales", rule = "c4c_wins"', "`OwnerID` and `OwnerUUID` give each other; keep one of them"),
]  # fmt: skip


@pytest.mark.parametrize(("entry", "expected"), REFUSED_FIELDS)
def test_fields_refused_with_file_key_found_and_remedy(directory: Path, entry: str, expected: str) -> None:
    assert any(expected in problem for problem in problems(directory, mapping=FIELD.format(entry)))


ATTRIBUTE = '\n[[attributes]]\nset = "M"\nattribute = "{}"\nsource = "{}"\n'
REFUSED_ELSEWHERE = [
    ('closed_status = ["4", "6"]', "closed_status = []", "mapping.toml: lead.closed_status: must not be empty"),
    ('closed_status = ["4", "6"]', 'closed_status = ["3", "4"]', "lead.accepted_status: found '3', which `closed_status` names too; keep it in one of them"),
    ('target = "HubSpotScore_KUT", source = "score.value"', 'target = "HubSpotScore_KUT", source = "route.lead_name"', "source `route.lead_name`: found 'lead_name' after the dot"),
    ('external_key = "HubSpotID_KUT"\nclosed', 'external_key = 5\nclosed', "lead.external_key: found 5, must be a text in quotes"),
    ('source = "jobtitle", rule = "hubspot', 'source = "score.value", rule = "hubspot', "found 'score.value', which never has a value in [contact]; allowed there: c4c.account_uuid, c4c.owner_uuid, company, contact, derived, owner"),
    ('source = "jobtitle", rule = "hubspot', 'template = "{route.name}", rule = "hubspot', "found 'route.name', which never has a value in [contact]"),
    ('source = "jobtitle", rule = "hubspot', 'source = "c4c.contact_uuid", rule = "hubspot', "found 'c4c.contact_uuid', which never has a value in [contact]"),
    ('source = "jobtitle", rule = "create', 'source = "c4c.account_uuid", rule = "create', "found 'c4c.account_uuid', which never has a value in a lead without an account"),
    ('source = "jobtitle", rule = "create', 'source = "company.phone", rule = "create', "found 'company.phone', which never has a value in a lead without an account; allowed there: c4c.owner_uuid, company.name, contact"),
    ('source = ["tax_number"]', 'source = ["tax_number", "vat"]', "account.natural_keys.0 (tax_number).source: found ['tax_number', 'vat'], allowed: one property"),
    ('source = ["domain", "website"] }', 'source = ["domain", "contact.website"] }', "account.natural_keys.1 (web_domain).source.1: found 'contact.website', must name a property of the company, alone or as `company.<property>`"),
    ('email_source = "email"', 'email_source = "company.email"', "contact.email_source: found 'company.email', must name a property of the contact"),
    ("# [[attributes]]", ATTRIBUTE.format("A", "x") + ATTRIBUTE.format("B", "y") + ATTRIBUTE.format("A", "z"), "attributes.2 (A): 'A' of set 'M' is filled by attributes.0 already"),
    ("# [[attributes]]", ATTRIBUTE.format("A", "x") + f"values = {{ y = '{'z' * 256}' }}", "attributes.0 (A).values: an attribute's value holds 255 characters, found one with 256"),
    ("# [[attributes]]", ATTRIBUTE.format("A", "x") + 'multiple = "yes"', "attributes.0 (A).multiple: found 'yes', must be true or false, without quotes"),
    ("# [[attributes]]", ATTRIBUTE.format("A", "company.name"), "attributes.0 (A).source: found 'company.name', must name a property of the contact"),
    ("# [[attributes]]", ATTRIBUTE.format("A", "a.b"), "attributes.0 (A).source: found 'a.b', must name a property of the contact"),
    ("# [[attributes]]", ATTRIBUTE.format("A", "derived.segment"), "attributes.0 (A).source: found 'derived.segment', must name a property of the contact"),
]  # fmt: skip


@pytest.mark.parametrize(("entry", "changed_to", "expected"), REFUSED_ELSEWHERE)
def test_entries_that_could_never_do_what_they_say_are_refused(
    directory: Path, entry: str, changed_to: str, expected: str
) -> None:
    shipped = (directory / "mapping.toml").read_text(encoding="utf-8")
    assert entry in shipped
    assert any(expected in problem for problem in problems(directory, mapping=shipped.replace(entry, changed_to)))


def test_the_object_of_a_property_may_be_named_where_only_one_can_be_meant(directory: Path) -> None:
    """What is asked of HubSpot, looked up and compared is the property itself, however it was written."""
    plain = config.load(directory).rules
    mapping, qualification = (directory / f"{name}.toml" for name in ("mapping", "qualification"))
    text = mapping.read_text(encoding="utf-8").replace('["domain", "website"]', '["company.domain", "company.website"]')
    mapping.write_text(text.replace('email_source = "email"', 'email_source = "contact.email"'), encoding="utf-8")
    text = qualification.read_text(encoding="utf-8")
    [score] = plain.qualification.scores
    text = text.replace(f'property = "{score.property}"', f'property = "contact.{score.property}"')
    qualification.write_text(text + '\n[segments]\nrevenue_property = "company.annualrevenue"\n', encoding="utf-8")
    assert config.load(directory).rules == plain


@pytest.mark.parametrize(
    ("entry", "without", "expected"),
    [
        ('target = ["Name"', 'target = ["AdditionalName4"', "account.fields: `Name` of CorporateAccount is required"),
        ('target = ["Name"', 'target = ["City", "Name"', "`Name` of CorporateAccount is required"),
        ('target = "RoleCode"', 'target = "LegalFormCode"', 'add one with `target = "RoleCode"` to account.fields'),
        ('target = ["LastName"', 'target = ["NickName"', "contact.fields: `LastName` of Contact is required"),
    ],
)
def test_a_mapping_that_never_fills_a_required_field_is_refused(
    directory: Path, entry: str, without: str, expected: str
) -> None:
    shipped = (directory / "mapping.toml").read_text(encoding="utf-8")
    assert entry in shipped
    assert any(expected in problem for problem in problems(directory, mapping=shipped.replace(entry, without)))


PERSON = "Anna Muster@x.example"
OWNER = "[owners.y]\norder = ['round_robin']\n"
TERRITORY = "[owners.y]\norder = ['territory']\n"
OF_PEOPLE = [
    (f"{OWNER}round_robin = ['{PERSON}']", "owners.y.round_robin.0: must be an e-mail address"),
    (f"{OWNER}round_robin = ['Anna Muster']", "owners.y.round_robin.0: must be an e-mail address"),
    (f"{OWNER}round_robin = 'Anna Muster'", "owners.y.round_robin: must be a list in square brackets"),
    (f"{TERRITORY}territories = [{{ owner = 'Anna Muster' }}]", "owners.y.territories.0.owner: must be an e-mail address"),
    (f"{TERRITORY}territories = ['Anna Muster']", "owners.y.territories.0: must be a table"),
    (f"{TERRITORY}territories = 'Anna Muster'", "owners.y.territories: must be a list in square brackets"),
    (f"[routes.default]\nowner = '{PERSON}'", "routes.default.owner: found (an address, not shown)"),
    (f"[owners.y]\norder = ['{PERSON}']", "owners.y.order.0: found (an address, not shown); allowed: contact_owner"),
    (f"[[labels]]\nlabel = '{PERSON}'", "labels.0: say what the label does"),
    ("[owners.'Anna.Muster@x.example']\norder = []", "owners.….order: "),
    ("[routes.default]\nowner = 'x'\n[owners.'Anna.Muster@x.example']\norder = ['contact_owner']", "routes.default.owner: found 'x'"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), OF_PEOPLE)
def test_nobodys_name_or_address_stands_in_a_message(directory: Path, text: str, expected: str) -> None:
    """Not even the one that somebody mistyped: messages end up in logs and tickets."""
    found = problems(directory, qualification=f"{MQL}{text}\n")
    assert any(expected in problem for problem in found), found
    assert [problem for problem in found if re.search("anna|muster|@x", problem, re.IGNORECASE)] == []


ACCEPTED = [
    "[consent]\nchannels = [{ channel = 'TEL', property = 'x', refused = 'a' }, { channel = 'TEL', property = 'y', granted = 'a' }]",
    "[consent]\nchannels = [{ channel = 'INT', property = 'x', refused = 'a' }]",
    TERRITORIES.format("{ country = 'GB', postal = ['SW', 'D02'], owner = 'a@b' }, { country = 'MT', postal = ['VLT'], owner = 'a@b' }"),
    TERRITORIES.format("{ country = 'DE', postal = ['20-25', '3'], owner = 'a@b' }, { country = 'DE', postal = ['26', '3-4'], owner = 'c@d' }, { country = 'DE', owner = 'a@b' }, { owner = 'a@b' }"),
    TERRITORIES.format("{ segment = 'midmarket', owner = 'a@b' }, { country = 'DE', owner = 'c@d' }"),
    "[routes.default]\nlead_name = 'Handover'",
    "conditions = [{ property = 'x', as = 'country', in = ['de', 'AT'] }, { property = 'x', at_least = 2, at_most = 2 }]",
]  # fmt: skip


@pytest.mark.parametrize("text", ACCEPTED)
def test_what_looks_doubtful_and_means_something_is_accepted(directory: Path, text: str) -> None:
    (directory / "qualification.toml").write_text(f"{MQL}{text}\n", encoding="utf-8")
    assert config.load(directory)


def test_a_constant_of_a_route_that_its_field_cuts_is_refused(directory: Path) -> None:
    shipped = (directory / "qualification.toml").read_text(encoding="utf-8")
    [found] = problems(directory, qualification=shipped.replace('origin = "002"', 'origin = "0002"'))
    assert (
        "lead.fields.7 (OriginTypeCode): source `route.origin` of route default: found '0002' with 4 characters"
        in found
    )


def test_all_mistakes_of_all_files_at_once(directory: Path) -> None:
    found = problems(
        directory,
        worker='[schedule]\npoll = "soon"\nsweep = "99999999999999d"\n',
        qualification=MQL + 'route = "nord"\nfilters = ["Zeil"]\n',
        mapping=FIELD.format('target = "Nmae", source = "name", rule = "c4c_wins"'),
    )
    assert len(found) == 6
    assert {Path(problem.split(":")[0]).name for problem in found} == {
        "worker.toml",
        "qualification.toml",
        "mapping.toml",
    }


def test_a_file_that_an_editor_marked_as_unicode_is_read(directory: Path) -> None:
    plain = config.load(directory).rules.fingerprint
    for path in directory.glob("*.toml"):
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert config.load(directory).rules.fingerprint == plain


def test_a_misspelt_file_name_is_told(directory: Path) -> None:
    (directory / "mapping.toml").rename(directory / "maping.toml")
    with pytest.raises(
        ConfigurationError, match=r"mapping\.toml: cannot be read .*; rename `maping.toml` if it is meant"
    ):
        config.load(directory)


def test_a_directory_in_the_place_of_a_file_is_a_sentence(directory: Path) -> None:
    (directory / "mapping.toml").unlink()
    (directory / "mapping.toml").mkdir()
    with pytest.raises(
        ConfigurationError, match=r"cannot be read .*: a directory stands in its place; put the file there"
    ):
        config.load(directory)


def test_a_file_that_may_not_be_read_is_a_sentence(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may read everything, so the operating system's answer is given here."""

    def denied(self: Path, encoding: str) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_text", denied)
    with pytest.raises(ConfigurationError, match=r"\(Permission denied\): give this user the right to read it"):
        config.load(directory)


FORM = [
    (
        MQL + "treshhold = 3\nroute = 'nord'\n[consent]\ngranted = '2'",
        ["scores.0 (mql).treshhold: unknown key"],
    ),
    (
        MQL.replace("75", "'x'") + "filters = ['Zeil']\n[filters.Ziel]\nproperty = 'x'\nknown = 'yes'",
        ["scores.0 (mql).threshold: found 'x'", "filters.Ziel.known: found 'yes'"],
    ),
    (MQL.replace("threshold", "treshold"), ["scores.0 (mql).treshold: unknown key; did you mean `threshold`?"]),
    (MQL.replace("threshold", "treshold").replace("60", "90"), ["scores.0 (mql).treshold: unknown key"]),
    (MQL + "route = 5\n[routes.dach]", ["scores.0 (mql).route: found 5, must be a text in quotes"]),
    (MQL + "route = 'a'\nfilters = ['b']\n[routes.a]\nowner = 'c'\norigin = 2\n[owners.c]\n[filters.b]\nknown = true", ["routes.a.origin: found 2", "owners.c.order: is missing", "filters.b: give exactly one of"]),
    (MQL + "route = 'a'\nfilters = ['b']\nroutes = 1\nfilters_ = 2", ["scores.0 (mql).filters_: unknown key; did you mean `filters`?", "scores.0 (mql).routes: found 1"]),
    ("routes = 3\nfilters = 3\nowners = 3\n" + MQL + "route = 'a'\nfilters = ['b']", ["routes: found 3", "filters: found 3", "owners: found 3"]),
    (MQL + "conditions = [{ property = 'derived.segment', in = ['Konzern'] }]\n[segments]\nnames = ['Konzern', 1, 'x']", ["segments.names.1: found 1, must be a text in quotes"]),
    (MQL + TERRITORIES.format("{ country = 'Austria', owner = 'a@b' }, { country = 'DE', owner = 'a@b', postal = ['3-1'] }"), ["territories.0.country: found 'Austria'"]),
    # Nobody wrote `threshold`: what the wrong key holds is looked at once the key is right.
    (MQL.replace("threshold = 75", "treshold = 'x'"), ["scores.0 (mql).treshold: unknown key; did you mean `threshold`?"]),
    (MQL.replace("name = ", "nmae = "), ["scores.0.nmae: unknown key; did you mean `name`?"]),
    (MQL.replace("mql", "m:q") * 2, ["scores.0 (m:q).name: found 'm:q'", "scores.1 (m:q).name: found 'm:q'"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), FORM)
def test_every_mistake_of_form_is_named_and_none_is_made_up(directory: Path, text: str, expected: list[str]) -> None:
    found = problems(directory, qualification=text)
    assert [words for words in expected if not any(words in problem for problem in found)] == [], found
    assert len(found) == len(expected), found


FORM_OF_MAPPING = [
    ([('"City", source = "city", rule', '"City", sorce = "city", rule'), ('"Phone", source = "phone", tr', '"Phne", source = "phone", tr')], ["account.fields.6 (City).sorce: unknown key; did you mean `source`?"]),
    ([('"Name", "AdditionalName"', '"Name", 5, "AdditionalName"'), ('"City", source = "city"', '"City", source = "citi.x"')], ["target.1: found 5"]),
    ([('kind = "web_domain"', 'kind = "web"'), ('["tax_number"]', '["tax_number", "x"]')], ["account.natural_keys.1 (web).kind: found 'web'"]),
    ([('closed_status = ["4", "6"]', "closed_status = 4"), ('accepted_status = ["3"]', 'acepted_status = ["3"]'), ('source = "city"', 'source = "owner.x"')], ["lead.closed_status: found 4", "lead.acepted_status: unknown key"]),
    ([("[contact]", "[kontakt]")], ["kontakt: unknown key; did you mean `contact`?"]),
    ([("[contact]", "[contact]\nfilds = 5"), ('email_source = "email"', 'email_source = "company.x"')], ["contact.filds: unknown key; did you mean `fields`?", "contact.email_source: found 'company.x'"]),
]  # fmt: skip


@pytest.mark.parametrize(("edits", "expected"), FORM_OF_MAPPING)
def test_every_mistake_of_form_in_the_mapping_is_named(
    directory: Path, edits: list[tuple[str, str]], expected: list[str]
) -> None:
    text = (directory / "mapping.toml").read_text(encoding="utf-8")
    for old, new in edits:
        assert old in text
        text = text.replace(old, new, 1)
    found = problems(directory, mapping=text)
    assert [words for words in expected if not any(words in problem for problem in found)] == [], found
    assert len(found) == len(expected), found


def test_once_its_form_is_right_a_file_is_read_for_what_its_entries_say_of_each_other(directory: Path) -> None:
    """Two rounds at most; the other file does not wait for this one."""
    second = MQL + "route = 'nord'\n[consent]\ngranted = '2'"
    unknown = FIELD.format('target = "Name", source = "nme.x", rule = "c4c_wins"')
    form, name = problems(directory, qualification=second.replace("route", "ruote"), mapping=unknown)
    assert "qualification.toml: scores.0 (mql).ruote: unknown key; did you mean `route`?" in form
    assert "mapping.toml: account.fields.0 (Name): source `nme.x`: found 'nme' before the dot" in name
    shutil.copy(PROJECT / "config" / "mapping.toml", directory)
    found = problems(directory, qualification=second)
    assert len(found) == 2
    assert "scores.0 (mql).route: found 'nord'" in found[0]
    assert "consent.granted: found '2'" in found[1]


def test_a_missing_directory_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="set SYNC_CONFIG"):
        config.load(tmp_path / "nowhere")


# ---- random rule files

WORDS = st.sampled_from(
    ["x", "default", "company.country", "derived.segment", "c4c.y", "", "(", "{}", "Ziel", "a@b", "DE", "75", "60s"]
)
NUMBERS = st.one_of(st.integers(), st.floats(), st.booleans())
KEYS = sorted(
    {
        field.alias or name
        for module in (models, conditions, config)
        for model in vars(module).values()
        if isinstance(model, type) and issubclass(model, BaseModel)
        for name, field in model.model_fields.items()
    }
)
VALUES = st.recursive(
    WORDS | NUMBERS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | WORDS, inner, max_size=4),
    max_leaves=12,
)


def toml(value: Any) -> str:
    """The value in TOML's inline form."""
    match value:
        case bool():
            return str(value).lower()
        case dict():
            return "{" + ", ".join(f"{toml(key)} = {toml(inner)}" for key, inner in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(toml, value)) + "]"
        case str():
            return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        case float() if value != value:
            return "nan"
        case _:
            return repr(value)


@st.composite
def changed(draw: st.DrawFn, path: Path) -> str:
    """A shipped file with some values replaced by anything, and some keys added."""
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    for _ in range(draw(st.integers(1, 4))):
        _change(draw, data)
    return "".join(f"{toml(key)} = {toml(value)}\n" for key, value in data.items())


def _change(draw: st.DrawFn, place: Any) -> None:
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if isinstance(place, dict) and (not keys or draw(st.integers(0, 5)) == 0):
            place[draw(st.sampled_from(KEYS))] = draw(VALUES)
            return
        if not keys:
            return
        key = draw(st.sampled_from(keys))
        if isinstance(place[key], dict | list) and draw(st.integers(0, 3)):
            place = place[key]
            continue
        place[key] = draw(VALUES)
        return


@pytest.mark.parametrize("name", ["qualification", "mapping", "worker"])
def test_random_rule_files_load_or_are_refused_with_every_error_named(directory: Path, name: str) -> None:
    source = PROJECT / "config" / "examples" / "group"
    for path in source.glob("*.toml"):
        shutil.copy(path, directory)

    @examples(120, suppress_health_check=list(HealthCheck))
    @given(changed(source / f"{name}.toml"))
    def check(text: str) -> None:
        (directory / f"{name}.toml").write_text(text, encoding="utf-8")
        try:
            loaded = config.load(directory)
        except ConfigurationError as refused:
            assert refused.problems
            assert all(re.match(r".*\.toml: .+", problem, re.DOTALL) for problem in refused.problems)
            return
        assert loaded.rules.contact_properties()
        assert loaded.rules.company_properties()
        _decides(loaded.rules)
        again = config.load(directory)
        assert again.rules.fingerprint == loaded.rules.fingerprint

    check()


def _decides(found: models.Rules) -> None:
    """Rules that load decide on anybody, and plan for them."""
    tenant = Tenant(assumed(found), {"a@b": "U"})
    many = contact(
        labelled(company(country="DE", zip="20354", phone="x"), "Primary"), email="?", phone="040 1", firstname="x"
    )
    for view in (many, contact(fit_score="50", interest_score="80", engagement_tier="A1"), ContactView("1", {})):
        predict(view, qualify(view, found), {}, found, tenant, Assumptions())


@examples(100)
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_files_of_anything_are_refused(content: bytes) -> None:
    path = Path(__file__).parent / "nothing"
    problems: list[str] = []

    class Readable:
        def read_text(self, encoding: str) -> str:
            return content.decode(encoding)

        def __str__(self) -> str:
            return str(path)

    config._read(Readable(), Qualification, problems)  # type: ignore[arg-type]
    assert problems


# ---- digests

ORDERED = [
    ('filters = ["a", "b"]', 'filters = ["b", "a"]', True),
    ('conditions = [{ property = "x", in = ["a", "b"] }]', 'conditions = [{ property = "x", in = ["a", "c"] }]', True),
]


@pytest.mark.parametrize(("one", "other", "differ"), ORDERED)
def test_rules_that_differ_have_other_digests(one: str, other: str, differ: bool) -> None:
    filters = "\n[filters.a]\nproperty = 'x'\nknown = true\n[filters.b]\nproperty = 'y'\nknown = true\n"
    digests = {config._fingerprint(rules(MQL + text + filters).qualification) for text in (one, other)}
    assert (len(digests) == 2) == differ


def test_the_order_of_sources_is_part_of_the_digest() -> None:
    """Of several sources the first that is filled counts, so another order is another rule."""
    entries = ('source = ["website", "domain"]', 'source = ["domain", "website"]')
    found = [FIELD.format(f'target = "WebSite", {entry}, rule = "c4c_wins"') for entry in entries]
    assert len({config._fingerprint(models.Mapping.model_validate(tomllib.loads(text))) for text in found}) == 2


# ---- the page

MODELS = [
    models.Score, models.Measure, models.RouteChoice, conditions.Condition, models.Segments, models.Limits, models.Consent,
    models.Route, models.OwnerRule, models.Territory, models.LabelRule, models.FieldMap, models.NaturalKey,
    models.AccountMap, models.ContactMap, models.LeadMap, models.ChannelRule, models.AttributeRule,
    models.Duplicates,
]  # fmt: skip


def documented() -> set[str]:
    prose = re.sub(r"^```.*?^```", "", PAGE, flags=re.DOTALL | re.MULTILINE)
    return set(re.findall(r"`([^`\n]+)`", prose))


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_key_of_every_rule_is_documented(model: type[BaseModel]) -> None:
    keys = {field.alias or name for name, field in model.model_fields.items()}
    assert keys <= documented() | {"revenue", "people"}


def test_all_rule_models_are_held_against_the_page() -> None:
    found = {m for module in (models, conditions) for m in vars(module).values() if _is_rule(m)}
    containers = {models.Qualification, models.Mapping, models.Rules, models.EntityMap, conditions.Rule}
    assert found - containers == set(MODELS)


def _is_rule(model: Any) -> bool:
    return isinstance(model, type) and issubclass(model, conditions.Rule)


def test_every_transform_and_every_fixed_source_is_documented() -> None:
    assert set(TRANSFORMS) <= documented()
    assert {f"{space}.{name}" for space in ("score", "c4c", "derived") for name in models.FIXED[space]} <= documented()


def test_no_documented_key_has_vanished() -> None:
    """First columns of the tables of keys name nothing that the rules do not know."""
    known = {f.alias or n for m in MODELS for n, f in m.model_fields.items()} | set(TRANSFORMS)
    cells = re.findall(r"^\| ((?:`[a-z_]+`(?:, )?)+) \|", PAGE, re.MULTILINE)
    assert {name for cell in cells for name in re.findall(r"`([a-z_]+)`", cell)} <= known


BLOCKS = re.findall(r"^```toml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_every_example_of_the_page_loads(block: str) -> None:
    found = Qualification.model_validate(tomllib.loads(block))
    assert not list(rule_checks.qualification(found))


def test_the_group_example_uses_every_key() -> None:
    """What the page explains stands in a complete configuration too."""
    text = "".join(path.read_text(encoding="utf-8") for path in EXAMPLES[1].glob("*.toml"))
    keys = {f.alias or n for m in MODELS for n, f in m.model_fields.items()}
    assert {key for key in keys if not re.search(rf"(?<![\w.]){key} ?=", text)} <= {"owner", "conditions"}


def test_the_walk_through_a_new_field_works() -> None:
    page = (PROJECT / "docs" / "adding-a-field.md").read_text(encoding="utf-8")
    entries = [line.strip().rstrip(",") for line in page.splitlines() if line.strip().startswith("{ target")]
    assert len(entries) == 2
    for entry in entries:
        mapped = tomllib.loads(f"x = {entry}")["x"]
        assert not list(rule_checks._targets("Contact", models.FieldMap.model_validate(mapped)))
