"""A stormy night in full: nothing that the product prints holds a secret or a person's data."""

import re
from collections.abc import Iterator

from night_stage import Product, Sandbox, webhook

PERSONAL = ("firstname", "lastname", "email", "phone", "mobilephone", "address", "jobtitle")
"""Properties of seeded contacts whose values must appear nowhere."""

STORM = [
    {"system": "hubspot", "action": "status", "status": 429, "headers": {"Retry-After": "1"}, "times": 1},
    {"system": "hubspot", "action": "status", "status": 502, "skip": 2, "times": 1},
    {"system": "hubspot", "action": "html", "skip": 4, "times": 1},
    {"system": "hubspot", "action": "truncate", "skip": 5, "times": 1},
    {"system": "c4c", "action": "cut_after", "method": "POST", "body": "POST ContactCollection", "times": 1},
    {"system": "c4c", "action": "lock", "times": 2},
    {"system": "c4c", "action": "sap_message_error", "body": "LeadCollection", "times": 2},
    {"system": "c4c", "action": "status", "status": 503, "skip": 6, "times": 2},
    {
        "system": "c4c",
        "action": "status",
        "status": 400,
        "skip": 9,
        "times": 1,
        "body_out": {"error": {"code": "X", "message": {"value": "Jürgen Müller, jm@firma.example, is not valid"}}},
    },
]


def people(sandbox: Sandbox) -> Iterator[str]:
    """Personal values of the seed that are long enough to be told from any other text."""
    for contact in sandbox.get("/truth", system="hubspot")["hubspot"]["contacts"]:
        for name in PERSONAL:
            value = (contact["properties"].get(name) or "").strip()
            if len(value) >= 5:
                yield value


def test_a_stormy_run_tells_nothing_about_anybody(product: Product, sandbox: Sandbox) -> None:
    sandbox.seed(250, 60)
    for fault in STORM:
        sandbox.post("/faults", fault)
    outputs = []
    with webhook() as (url, told):
        product.extra |= {"SYNC_ALERT_WEBHOOK": url, "SYNC_LOG_LEVEL": "DEBUG"}
        product.configure(more="[alerts]\nparked = 1")
        for arguments in (
            ("once", "--until-idle"),
            ("once", "--until-idle"),
            ("status",),
            ("parked", "list"),
            ("runs",),
            ("verify",),
        ):
            ran = product.run(*arguments)
            outputs += [ran.out, ran.err]
        refused = Product.variables(product) | {
            "C4C_PASSWORD": "wrong-password-77",
            "HUBSPOT_ACCESS_TOKEN": "pat-wrong",
        }
        product.extra |= refused
        outputs += [(ran := product.run("once")).out, ran.err]
        outputs.append(str(told))
    text = "\n".join(outputs)
    assert "job_failed" in text
    assert "contact_parked" in text
    announced = sandbox.announced
    secrets = [announced["token"], announced["password"], "webhook-secret-1", "wrong-password-77", "pat-wrong"]
    assert [secret for secret in secrets if secret in text] == []
    assert re.findall(r"\S+@\S+\.example", text) == []
    words = {value for value in people(sandbox) if re.search(rf"(?<!\w){re.escape(value)}(?!\w)", text)}
    assert words == set()
