"""Prints documents for people."""

from sync import app
from sync.admin import troubles
from sync.cli.output import Document, at, say, table
from sync.contracts import freshness
from sync.domain.codes import EXPLANATIONS, Code
from sync.domain.entities import TYPES
from sync.jobs.runner import JobResults


def once_document(application: app.App, results: JobResults) -> Document:
    """The document of `once --json`."""
    jobs = results.jobs
    push = jobs.get("push", {})
    return {
        "run_id": application.context.run_id,
        "jobs": jobs,
        "counts": {
            "polled": sum(jobs.get(name, {}).get("polled", 0) for name in ("poll", "scores")),
            "changed": sum(job.get("changed", 0) for job in jobs.values()),
            **{name: push.get(name, 0) for name in ("qualified", "not_qualified")},
            **{name: push.get(name, {}) for name in ("created", "updated", "deleted")},
            **{name: push.get(name, 0) for name in ("unchanged", "parked")},
            "pending": push.get("pending", 0),
        },
        "requests": application.requests(),
    }


def print_once(document: Document) -> None:
    counts = document["counts"]
    say(f"read {counts['polled']} records, {counts['changed']} changes")
    say(f"qualified {counts['qualified']}, not qualified {counts['not_qualified']}, parked {counts['parked']}")
    say(f"created {named_counts(counts['created'])}")
    say(f"updated {named_counts(counts['updated'])}")
    if counts.get("deleted"):
        say(f"deleted {named_counts(counts['deleted'])}")
    say(f"unchanged {counts['unchanged']}, pending {counts['pending']}")
    requests = document["requests"]
    say(f"requests: HubSpot {requests['hubspot']}, SAP Sales Cloud {requests['c4c']}")
    if document["jobs"].get("push", {}).get("paused"):
        say("writes are paused: `hubspot-c4c-sync resume` lets them go on")
    if counts["parked"]:
        say("parked contacts need a person: `hubspot-c4c-sync status` shows what to do")


def named_counts(counts: dict[str, int]) -> str:
    """Numbers of records by entity, with the entity's name for people."""
    return (
        ", ".join(f"{n} {TYPES[entity].people if entity in TYPES else entity}" for entity, n in counts.items())
        or "nothing"
    )


def print_status(document: Document) -> None:
    """Prints the status; what needs a person comes first."""
    _print_trouble(document)
    belongs = document["belongs_to"]
    if belongs["tenant"]:
        say(f"HubSpot portal {belongs['portal'] or 'unknown'} to the tenant {belongs['tenant']}")
    say(troubles.at_work(document["lease"]))
    say(f"pending {document['pending']} ({document['due']} due now), oldest since {at(document['oldest_pending'])}")
    adopted = f", adopted {document['adopted']} that existed before" if document["adopted"] else ""
    say(f"handed over {document['handed_over']} leads{adopted}{_latency(document['latency_seconds'])}")
    if document["slo"] and document["slo"]["handovers"]:
        say(_promise(document["slo"]))
    say()
    table("Decided", ("code", "contacts", "meaning"), [_code_row(c, n) for c, n in _sorted(document["done"])])
    foreseen = [_code_row(c, n) for c, n in _sorted(document["foreseen"])]
    table("Before the first push: how the rules decide now", ("code", "contacts", "meaning"), foreseen)
    parked = [(c, n, EXPLANATIONS[Code(c)].remedy) for c, n in _sorted(document["parked"])]
    table("Parked: a person is needed", ("code", "contacts", "what to do"), parked)
    marks = [(name, at(mark["until"]), _age(mark["age_seconds"])) for name, mark in document["watermarks"].items()]
    table("Read up to", ("stream", "watermark", "age"), marks)
    jobs = [(n, at(j["last_success"]), at(j["last_failure"]), j["last_error"]) for n, j in document["jobs"].items()]
    table("Jobs", ("job", "last success", "last failure", "why"), jobs)
    _print_budget(document["budget"])
    if document["certificate"]:
        say(f"certificate for SAP Sales Cloud: good until {at(document['certificate']['expires_at'])}")
    if goes := {name: number for name, number in (document["retention"] or {}).items() if number}:
        say(f"next housekeeping removes {named_counts(goes)}")
    for score in document["frozen_scores"]:
        say(f"score {score['score']}: {freshness.frozen_sentence(score)}")


def _print_budget(budget: Document) -> None:
    # The reserve is a setting, unknown while the rule files have mistakes.
    reserved = "" if budget["reserved"] is None else f", {budget['reserved']} reserved for others"
    if budget["exhausted_until"]:
        say(f"HubSpot requests: used up until {at(budget['exhausted_until'])}{reserved}")
    elif budget["limit"] is not None:
        say(f"HubSpot requests today: {budget['used']} used, {budget['left']} of {budget['limit']} left{reserved}")


def _print_trouble(document: Document) -> None:
    for title, text in troubles.troubles(document):
        say(f"{title}: {text}")


def _latency(latency: Document | None) -> str:
    if latency is None:
        return ""
    return f"; from threshold to lead: half within {_age(latency['p50'])}, 95 % within {_age(latency['p95'])}"


def _promise(slo: Document) -> str:
    kept = "kept" if slo["share"] >= slo["target"] else "MISSED"
    return (
        f"promise {kept}: {slo['share']:.1%} of the last {slo['handovers']} handovers within "
        f"{_age(slo['handover_seconds'])}, promised {slo['target']:.0%}"
    )


def _sorted(counts: dict[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: -item[1])


def _code_row(code: str, number: int) -> tuple[str, int, str]:
    return code, number, EXPLANATIONS[Code(code)].meaning


def _age(seconds: int | None) -> str:
    if seconds is None:
        return "never completed"
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min"


def print_plan(document: Document) -> None:
    for record in document["records"]:
        adopted = record.get("adopts")
        taken = f" (adopts {adopted['number'] or adopted['object_id']}, found by {adopted['by']})" if adopted else ""
        say(f"{record['action']} {record['entity']} {record['key']}{_company(record)}{taken}")
        for name, change in record["fields"].items():
            before = "" if change["from"] in (None, "") else f"{change['from']!r} → "
            say(f"    {name}: {before}{change['to']!r}  [{change['rule']}]")
    for parked in document["parked"]:
        say(f"would be parked: contact {parked['contact']}{_company(parked)}: {parked['code']}: {parked['text']}")
    for gone in document["withdrawn"]:
        say(f"no longer qualifies: contact {gone['contact']}{_company(gone)}: {gone['code']}; its lead stays as it is")
    for mismatch in document["mismatches"]:
        say(f"mismatch: {mismatch}")
    for warning in document["warnings"]:
        say(f"warning: contact {warning['contact']}: {warning['code']}: {warning['text']}")
    table("Decided", ("code", "contacts", "meaning"), [_code_row(c, n) for c, n in _sorted(document["decided"])])
    if document["deletes"]:
        say(f"would delete {named_counts(document['deletes'])}")
    say(
        f"would create {named_counts(document['creates'])}; would update {named_counts(document['updates'])}; "
        "nothing was written"
    )


def _company(row: Document) -> str:
    """The company behind a row, if it may be shown."""
    return f' "{row["company_name"]}"' if row.get("company_name") else ""


def print_check(document: Document) -> None:
    for finding in document["findings"]:
        say(f"{finding['severity']}: {finding['where']}: {finding['text']}")
    for line in document["facts"]:
        say(line)
    errors = sum(finding["severity"] == "error" for finding in document["findings"])
    warnings = len(document["findings"]) - errors
    say("everything fits" if not document["findings"] else f"{errors} errors, {warnings} warnings")
