"""Predicts what other rules would change: both rule sets over the whole mirror, in one pass, without the network.

Contacts stream by in portions and results go into a spool, so memory does not grow with their number. A company that
becomes an account for one contact gives relationships to others; those contacts are looked at once more at the end, as
in the real run.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from sqlmodel import Session

from sync.admin.prediction import Prediction, predict
from sync.admin.spool import Spool
from sync.config import Guard
from sync.context import ShowProgress, silent
from sync.contracts import tenant_memory
from sync.domain.codes import Code
from sync.domain.decision import Decision
from sync.domain.entities import Entity
from sync.domain.rules import Rules
from sync.domain.views import ContactView
from sync.faults import Faults
from sync.handover import contact_views
from sync.handover.batch import LinksOf
from sync.handover.guard import Extent, Known, exceeding, excess
from sync.jobs.poll import STREAMS
from sync.mappers.identity import account_ids
from sync.mirror import association_rows, mirrored
from sync.planner.plan import Tenant, concerns
from sync.planner.predicting.dry_run_target import creates_permission_sets
from sync.planner.predicting.remembered_target import Assumptions
from sync.planner.qualify import leading, qualify
from sync.state import work
from sync.state.documents import PROPERTIES
from sync.state.pending import portions
from sync.state.store import Store

_PORTION = 500
"""Contacts looked at together."""


_Decisions = tuple[Decision, ...]

_UNGUARDED = Guard(max_creates=0, max_changed_share=0, max_relationships=0)


@dataclass(frozen=True)
class Simulated:
    """The counts, and the lists as streams. The streams must be read before `close`."""

    rules: tuple[str, str]
    contacts: int
    spool: Spool

    def summary(self) -> dict[str, Any]:
        """Everything but the rows."""
        return {
            "rules": {"now": self.rules[0], "then": self.rules[1]},
            "contacts": self.contacts,
            "counts": self.spool.numbers(),
            "decisions": {world: self.spool.decisions(world) for world in ("now", "then")},
            "creates": self.spool.counts("then")["create"],
            "updates": self.spool.counts("then")["update"],
            "deletes": self.spool.counts("then")["delete"],
        }

    def close(self) -> None:
        self.spool.close()


def simulate(
    store: Store,
    now: Rules,
    then: Rules,
    guard: Guard = _UNGUARDED,
    progress: ShowProgress = silent,
    portion: int = _PORTION,
) -> Simulated:
    """Compares the rules in force with others. `guard`: the limits of one cycle under the other rules.

    Raises Defect where the same exception occurs on many contacts.
    """
    with ExitStack() as stack:
        session = stack.enter_context(store.reading())
        spool = Spool()
        stack.callback(spool.close)
        comparison = _Comparison(session, spool, now, then, guard, portion)
        comparison.warn_of_gaps()
        total, done = mirrored.count(session), 0
        for ids in _ids(session, portion):
            comparison.look_at(ids)
            session.expunge_all()
            done += len(ids)
            progress("simulate", done, total)
        comparison.look_again()
        comparison.warn_of_guard()
        comparison.warn_of_faults()
        stack.pop_all()
        session.close()
    return Simulated((now.fingerprint, then.fingerprint), done, spool)


def _ids(session: Session, portion: int) -> Iterator[list[str]]:
    """Contacts that a run would look at, in the order of their ids."""
    after = ""
    while ids := work.decidable(session, after, portion):
        yield ids
        after = ids[-1]


@dataclass(frozen=True)
class _Side:
    """One set of rules with what is known of the tenant under it."""

    world: str
    rules: Rules
    tenant: Tenant
    assumed: Assumptions


class _Comparison:
    """Both sides over portions of contacts."""

    def __init__(self, session: Session, spool: Spool, now: Rules, then: Rules, guard: Guard, portion: int) -> None:
        self.session, self.spool, self.limits, self.portion = session, spool, guard, portion
        habits = Assumptions(
            creates_permission_sets=creates_permission_sets(work.permission_set_origins(session)),
            most_relationships=guard.max_relationships,
        )
        self.faults = Faults()
        self.sides = []
        for world, rules in (("now", now), ("then", then)):
            tenant, self.tenant_known = tenant_memory.remembered_tenant(session, rules)
            self.sides.append(_Side(world, rules, tenant, habits))
        self.alike = now.qualification == then.qualification and now.mapping.account == then.mapping.account
        self.ambiguous = self._ambiguous()
        self.withdrawn = 0

    def _ambiguous(self) -> frozenset[str]:
        """Companies for which C4C was found to have several accounts.

        That still holds unless the other rules compare accounts differently.
        """
        now, then = (side.rules for side in self.sides)
        if now.mapping.account.natural_keys != then.mapping.account.natural_keys:
            return frozenset()
        parked = work.parked_ids(self.session, Code.ACCOUNT_AMBIGUOUS)
        found: set[str] = set()
        for ids in portions(parked, self.portion):
            for contact, view in self.faults.views(self.session, ids).items():
                with self.faults.concerning({contact: view.change_seq}):
                    found |= _companies(qualify(view, now))
        return frozenset(found)

    def look_at(self, ids: Sequence[str]) -> None:
        """Predicts for these contacts. Most are neither handed over nor concerned, and cost only their decision."""
        links = LinksOf(work.links_of(self.session, ids, ()))
        concerned = []
        for contact, view in self.faults.views(self.session, ids).items():
            with self.faults.concerning({contact: view.change_seq}):
                decided = self._decided(view)
                if self._is_concerned(view, decided, links):
                    concerned.append(contact)
                else:
                    now, then = map(Prediction, decided)
                    self._keep(view, now, then)
        if concerned:
            self._predict(concerned)

    def _decided(self, view: ContactView) -> list[_Decisions]:
        """The decisions under both sets of rules, made once if both decide alike."""
        now = qualify(view, self.sides[0].rules)
        return [now, now if self.alike else qualify(view, self.sides[1].rules)]

    def _is_concerned(self, view: ContactView, decided: Sequence[_Decisions], links: LinksOf) -> bool:
        known = links.of(view)
        return any(
            concerns(view, decisions, known, side.rules, side.tenant.schema)
            for side, decisions in zip(self.sides, decided, strict=True)
        )

    def _predict(self, ids: Sequence[str]) -> None:
        views, links = self._load(ids)
        persons = work.parked_as(self.session, ids, Code.CONTACT_AMBIGUOUS)
        for contact, view in views.items():
            with self.faults.concerning({contact: view.change_seq}):
                decided = self._decided(view)
                ambiguous = decided[0] if contact in persons else ()
                now, then = (
                    self._predicted(side, view, decisions, links, self._assumed(side, view, decisions, ambiguous))
                    for side, decisions in zip(self.sides, decided, strict=True)
                )
                self._keep(view, now, then)

    def _assumed(self, side: "_Side", view: ContactView, decisions: _Decisions, ambiguous: _Decisions) -> Assumptions:
        """What only C4C knows, as of the last run.

        `ambiguous`: the decisions of a contact that the last run parked since several persons matched; else none."""
        found = {(Entity.ACCOUNT, a.company.id) for a in view.associations if a.company.id in self.ambiguous}
        if _companies(decisions) & _companies(ambiguous):
            found.add((Entity.CONTACT, view.id))
        return replace(side.assumed, ambiguous=frozenset(found)) if found else side.assumed

    def _predicted(
        self, side: "_Side", view: ContactView, decisions: _Decisions, links: LinksOf, assumed: Assumptions
    ) -> Prediction:
        """The prediction for one contact; a contact that needs no write costs only its decision."""
        known = links.of(view)
        if not concerns(view, decisions, known, side.rules, side.tenant.schema):
            return Prediction(decisions)
        return predict(view, decisions, known, side.rules, side.tenant, assumed)

    def _load(self, ids: Sequence[str]) -> tuple[dict[str, ContactView], LinksOf]:
        views = self.faults.views(self.session, ids, partial(contact_views.loaded_views, rules=self.sides[1].rules))
        companies: set[str] = set()
        for contact, view in views.items():
            with self.faults.concerning({contact: view.change_seq}):
                companies |= account_ids(view)
        return views, LinksOf(work.links_of(self.session, ids, companies))

    def _keep(self, view: ContactView, now: Prediction, then: Prediction) -> None:
        for side, prediction in zip(self.sides, (now, then), strict=True):
            self.spool.write(side.world, view.id, prediction.writes)
            self.spool.count(side.world, _code(prediction))
        before, after = _qualified(now), _qualified(then)
        if before != after:
            self.spool.move(view.id, "entering" if after else "leaving", _code(now), _code(then))
            self.withdrawn += before and bool(view.cycles)
        said = {*now.warnings, now.problem}
        for reason in (*then.warnings, *([then.problem] if then.problem else [])):
            if reason not in said:
                self.spool.warn(view.id, str(reason.code), reason.text)

    def look_again(self) -> None:
        """Predicts again for contacts of companies that become accounts, so that they get their relationships."""
        for side in self.sides:
            for accounts in self.spool.new_accounts(side.world, self.portion):
                for ids in portions(association_rows.contacts_of(self.session, accounts), self.portion):
                    views, links = self._load(work.decidable_of(self.session, ids))
                    persons = work.parked_as(self.session, ids, Code.CONTACT_AMBIGUOUS)
                    for contact, view in views.items():
                        with self.faults.concerning({contact: view.change_seq}):
                            self._again(side, view, links, contact in persons)
                    self.session.expunge_all()

    def _again(self, side: "_Side", view: ContactView, links: LinksOf, ambiguous_person: bool) -> None:
        companies = (association.company.id for association in view.associations)
        further = frozenset(i for i in companies if self.spool.makes_account(side.world, i))
        decisions = qualify(view, side.rules)
        own = _companies(decisions)
        if own and further - own:
            ambiguous = qualify(view, self.sides[0].rules) if ambiguous_person else ()
            assumed = replace(self._assumed(side, view, decisions, ambiguous), accounts=further - own)
            prediction = self._predicted(side, view, decisions, links, assumed)
            self.spool.write(side.world, view.id, prediction.writes, again=True)

    # ---- what cannot be known, or should be known first

    def warn_of_gaps(self) -> None:
        """Warns of what the prediction rests on and no run has read yet."""
        if not self.tenant_known:
            self.spool.warn(
                "", "", "no run has read the tenant yet: the shipped field table is used, owners are unknown"
            )
        then = self.sides[1].rules
        for stream in STREAMS:
            known = PROPERTIES.read(self.session, stream).split()
            named = then.contact_properties() if stream == "contacts" else then.company_properties()
            missing = sorted(set(named) - set(known)) if known else []
            if missing:
                self.spool.warn("", "", f"not in the mirror yet, so taken as empty: {stream}: {', '.join(missing)}")

    def warn_of_faults(self) -> None:
        for fault in self.faults.listed():
            self.spool.warn(fault["contact"], fault["code"], fault["text"])

    def warn_of_guard(self) -> None:
        counts = self.spool.counts("then")
        changes = Counter(counts["update"]) + Counter(counts["delete"])
        related = changes.pop(Entity.RELATION, 0)
        extent = Extent(Counter(counts["create"]), changes.total(), self.withdrawn, related)
        if found := excess(extent, Known.of(self.session), self.limits):
            kind, number, limit = found
            remedy = "the guard would stop it, and `hubspot-c4c-sync approve` lets it through"
            text = f"{exceeding(kind, number, limit)}: {remedy}"
            self.spool.warn("", str(Code.GUARD_TRIPPED), text)


def _companies(decisions: Iterable[Decision]) -> set[str]:
    return {d.company.id for d in decisions if d.qualified and d.company}


def _qualified(prediction: Prediction) -> bool:
    """Whether the rules of any score are met, even if its lead is already closed."""
    met = (Code.QUALIFIED, Code.LEAD_CLOSED, Code.ALREADY_HANDED_OVER)
    return any(decision.code in met for decision in prediction.decisions)


def _code(prediction: Prediction) -> str:
    return str(prediction.problem.code if prediction.problem else leading(prediction.decisions).code)
