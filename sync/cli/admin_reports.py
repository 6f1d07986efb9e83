"""Documents of the admin commands, and how people read them."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from sync.cli.output import Document, say, table
from sync.cli.reports import named_counts
from sync.domain.codes import EXPLANATIONS, Code
from sync.state import tables
from sync.state.documents import Duplication, MassDeletion, Renamed, Stopped


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None


def _short(moment: str | None) -> str | None:
    """For tables: UTC, without the zone in each row."""
    return moment[:19].replace("T", " ") if moment else None


def print_resync(document: Document) -> None:
    number = document["contacts"]
    for unknown in document["unknown"]:
        say(f"contact {unknown} is not in the mirror" + ("; it is read from HubSpot" if document["refetch"] else ""))
    if document["dry_run"]:
        say(f"{number} contacts would be {'read from HubSpot and ' * document['refetch']}looked at again")
        return
    worker, polls = document["worker"], document["refetch"] and document["scope"] == "everything"
    if polls and not worker:
        say(f"{number} contacts marked; no worker runs: start it, or run `hubspot-c4c-sync once`")
    else:
        print_marked(number, worker)
    if document["refetch"]:
        # Everything is left to the polls; other contacts this command reads itself where no worker does.
        say("they are read from HubSpot first" if worker or polls else "they were read from HubSpot again")


def print_marked(number: int, worker: str | None) -> None:
    if worker:
        say(f"{number} contacts marked; the worker {worker} looks at them with its next push")
    else:
        say(f"{number} contacts marked; no worker runs: start it, or run `hubspot-c4c-sync once push`")


def parked_row(row: tables.Progress) -> Document:
    return {
        "contact": row.contact_id,
        "code": row.code,
        "since": _iso(row.settled_at),
        "attempts": row.attempts,
        "detail": row.detail,
        "remedy": EXPLANATIONS[Code(row.code)].remedy if row.code else None,
    }


def left_alone_row(row: tables.LeftAlone) -> Document:
    """A contact that is left alone, in the same form as a parked one."""
    return {
        "contact": row.contact_id,
        "code": str(Code.LEFT_ALONE),
        "since": _iso(row.since),
        "attempts": 0,
        "detail": row.reason,
        "remedy": EXPLANATIONS[Code.LEFT_ALONE].remedy,
    }


def print_parked(rows: Sequence[Document]) -> None:
    if not rows:
        say("nothing is parked")
        return
    shown = [(r["contact"], r.get("name"), r.get("company_name"), r["code"], _short(r["since"])) for r in rows]
    table(f"{len(rows)} parked", ("contact", "name", "company", "code", "since (UTC)"), shown)
    # Lines, since a table folds its cells: a detail holds commands and ids to be copied.
    for row in rows:
        say(f"{row['contact']}: {row['detail'] or EXPLANATIONS[Code(row['code'])].meaning}")
    say()
    for code in sorted({r["code"] for r in rows}):
        say(f"{code}: {EXPLANATIONS[Code(code)].remedy}")


def print_one_parked(row: Document) -> None:
    who = ", ".join(filter(None, (f"Contact {row['contact']}", row.get("name"), row.get("company_name"))))
    say(f"{who}: {row['code']}")
    say(f"  {EXPLANATIONS[Code(row['code'])].meaning}")
    say(f"  parked since {row['since']}, attempts {row['attempts']}")
    say(f"  detail: {row['detail']}")
    say(f"  what to do: {row['remedy']}")
    say(f"  afterwards: hubspot-c4c-sync parked retry {row['contact']}")


def run_row(row: tables.JobRun) -> Document:
    seconds = (
        round((row.finished_at - row.started_at).total_seconds(), 2) if row.finished_at and row.started_at else None
    )
    return {
        "run_id": row.run_id,
        "job": row.job,
        "started": _iso(row.started_at),
        "seconds": seconds,
        "result": _result(row),
        "error": row.error,
        "counts": row.counts,
    }


def _result(row: tables.JobRun) -> str:
    if row.finished_at is None:
        return "running or cut off"
    return {True: "success", False: "failure", None: "interrupted"}[row.ok]


def print_runs(rows: Sequence[Document]) -> None:
    shown = [
        (_short(r["started"]), r["job"], r["seconds"], r["result"], r["error"] or _counts(r["counts"])) for r in rows
    ]
    table("Runs, the newest first", ("started (UTC)", "job", "seconds", "result", "what"), shown)
    if not rows:
        say("nothing ran yet")


def _counts(counts: Document) -> str:
    shown = {name: named_counts(value) if isinstance(value, dict) else value for name, value in counts.items() if value}
    return ", ".join(f"{name} {value}" for name, value in shown.items())


def print_verify(document: Document) -> None:
    checked = document["checked"]
    say(
        f"compared {checked['contacts']} contacts and {checked['links']} links with {checked['records']} records "
        "in SAP Sales Cloud"
    )
    for kind, meaning in _KINDS.items():
        rows = [
            (e["entity"], e["key"], e.get("object_id") or ", ".join(e.get("object_ids", ())), _about(e))
            for e in document[kind]
        ]
        table(f"{kind}: {meaning}", ("entity", "key", "ObjectID", "contacts or fields"), rows)
    for kind, meaning in _NOTES.items():
        rows = [(e["entity"], e["key"], e["number"] or e["object_id"], e["text"]) for e in document[kind]]
        table(f"{kind}: {meaning}", ("entity", "key", "number", "why"), rows)
    failed = [(e["contact"], e["code"], e["text"]) for e in document["not_compared"]]
    table("not compared: this program failed on them", ("contact", "code", "place"), failed)
    if not any(document[kind] for kind in (*_KINDS, "not_compared")):
        say("everything fits")
    if document["marked"] is not None:
        say(f"{document['linked']} records linked; {document['marked']} contacts marked pending for the next push")
    strangers = sum(not entry["contacts"] for entry in document["extra"])
    if strangers:
        say(f'{strangers} extra records belong to nobody in the mirror: docs/oncall.md, "Extra records"')


_KINDS = {
    "missing": "should exist and is missing",
    "extra": "carries our key, but there is no link to it",
    "drifted": "fields differ from what the rules say",
    "duplicate": "several records with one key; a person must say which is right",
}


_NOTES = {
    "settled": "is gone, and the contact is left alone on purpose: nothing to do",
    "shared": "two HubSpot ids stand for one record",
    "obsolete": "was retired in SAP Sales Cloud; nothing more is written to it",
    "left_over": "exists besides the record of the id that HubSpot kept; merge them in SAP Sales Cloud",
}


def _about(entry: Document) -> str:
    return ", ".join(entry.get("fields") or entry.get("contacts") or ())


def guard_document(
    found: Stopped | None,
    gone: Sequence[MassDeletion],
    second: Duplication | None = None,
    renamed: Renamed | None = None,
    *,
    approved: bool = False,
) -> Document:
    """What `approve --json` prints: the stopped plan without the fingerprints of its parts, the contacts reported
    missing, the records that another program created under our keys, and the new name of the tenant.
    """
    doubted = {
        "disappearances": [asdict(one) for one in gone],
        "second_writer": asdict(second) if second else None,
        "tenant_renamed": {**asdict(renamed), "approved": approved} if renamed else None,
    }
    if found is None:
        return {"stopped": None, **doubted}
    shown = {name: value for name, value in asdict(found).items() if name not in ("contacts", "cycle")}
    return {"stopped": {**shown, "contacts": len(found.contacts)}, **doubted}


def print_guard(document: Document) -> None:
    if not any(document[kind] for kind in ("stopped", "disappearances", "second_writer", "tenant_renamed")):
        say("nothing is held back")
    if document["second_writer"]:
        _print_second_writer(document["second_writer"])
    if document["tenant_renamed"]:
        _print_renamed(document["tenant_renamed"])
    if document["stopped"]:
        _print_plan(document["stopped"])
    for doubted in document["disappearances"]:
        _print_mass_deletion(doubted)


def _print_mass_deletion(doubted: Document) -> None:
    say(f"disappearance {doubted['digest']}, last seen at {_short(doubted['at'])}: {doubted['text']}")
    say(f"  contacts {', '.join(doubted['contacts'])}")
    if doubted["approved_at"]:
        say(f"approved at {doubted['approved_at']}: the next scores and sweep take these contacts as deleted")
    else:
        say(f"to confirm that exactly these are gone: hubspot-c4c-sync approve {doubted['digest']}")


def _print_renamed(renamed: Document) -> None:
    if renamed["approved"]:
        say(f"approved: the tenant of this state is {renamed['tenant']}")
    else:
        say(f"the settings name another tenant, {renamed['tenant']}; nothing is read from it or written to it")
        say(f"if it is the same one under a new name: hubspot-c4c-sync approve {renamed['digest']}")


def _print_second_writer(second: Document) -> None:
    say(f"second writer {second['digest']}, found at {_short(second['at'])}: {second['text']}")
    for twin in second["twins"]:
        say(f"  {twin['entity']} {twin['key']}: ours {twin['ours']}, the other {twin['theirs']}")
    if second["approved_at"]:
        say(f"approved at {second['approved_at']}: the next push writes again")
    else:
        say(f"once the other program is stopped: hubspot-c4c-sync approve {second['digest']}")


def _print_plan(stopped: Document) -> None:
    say(f"plan {stopped['digest']}, stopped at {stopped['at']}: {stopped['text']}")
    for entity, number in stopped["creates"].items():
        say(f"  create {number} {entity}")
    say(f"  change {stopped['changes']} known records")
    say(f"  {stopped['withdrawn']} contacts would no longer qualify")
    if stopped["approved_at"]:
        say(f"approved at {stopped['approved_at']}: the next push carries it out")
    else:
        say(f"to let exactly this plan through: hubspot-c4c-sync approve {stopped['digest']}")
