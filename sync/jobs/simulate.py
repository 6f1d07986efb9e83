"""What would other rules change? Both rule sets over the whole mirror, in one pass, without the network.

Contacts stream by in portions and results go into a spool, so memory does not grow with their number. Companies that
become accounts for one contact make relationships for others: those are looked at once more at the end, as the real
run does.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

from sqlmodel import Session

from sync.domain.codes import Code
from sync.domain.decision import Decision, Reason
from sync.domain.rules import Rules
from sync.domain.scores import Level, level
from sync.domain.views import ContactView
from sync.jobs import tenant_memory
from sync.jobs.context import Progress, silent
from sync.jobs.poll import STREAMS
from sync.jobs.spool import Spool
from sync.planner.imagine import creates_permission_sets
from sync.planner.offline import Prediction, World, predict
from sync.planner.plan import Links, Tenant, concerns
from sync.planner.qualify import leading, qualify
from sync.planner.resolve import ACCOUNT
from sync.state import mirror, streams, work
from sync.state.store import Store

PORTION = 500
"""Contacts looked at together."""


@dataclass(frozen=True)
class Outcome:
    """Counts, and the lists as streams; read the streams before `close`."""

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
    store: Store, now: Rules, then: Rules, guard: int = 0, progress: Progress = silent, portion: int = PORTION
) -> Outcome:
    """Compares the rules in force with others; `guard` is the number of records that one cycle may create (0: any)."""
    with ExitStack() as stack:
        session = stack.enter_context(store.reading())
        spool = Spool()
        stack.callback(spool.close)
        comparison = _Comparison(session, spool, now, then)
        comparison.warn_of_gaps()
        total, done = mirror.count(session), 0
        for ids in _ids(session, portion):
            comparison.look_at(ids)
            session.expunge_all()
            done += len(ids)
            progress("simulate", done, total)
        comparison.look_again()
        comparison.warn_of_guard(guard)
        stack.pop_all()
        session.close()
    return Outcome((now.digest, then.digest), done, spool)


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
    assumed: World


class _Comparison:
    """Both sides over portions of contacts."""

    def __init__(self, session: Session, spool: Spool, now: Rules, then: Rules) -> None:
        self.session, self.spool = session, spool
        habits = World(creates_permission_sets=creates_permission_sets(work.permission_set_origins(session)))
        self.sides = []
        for world, rules in (("now", now), ("then", then)):
            tenant, self.tenant_known = tenant_memory.remembered(session, rules)
            self.sides.append(_Side(world, rules, tenant, habits))

    def look_at(self, ids: Sequence[str]) -> None:
        views, links = self._load(ids)
        stuck = work.parked_as(self.session, ids, _ONLY_C4C_KNOWS)
        for contact, view in views.items():
            now, then = (self._predicted(view, links, side, stuck.get(contact)) for side in self.sides)
            self._keep(contact, now, then)

    def _predicted(self, view: ContactView, links: "_LinksOf", side: "_Side", stuck: Reason | None) -> Prediction:
        """The prediction for one contact; of whom C4C need not hear costs nothing more than the decision."""
        decisions = qualify(view, side.rules)
        if not concerns(view, decisions, side.rules):
            return Prediction(decisions)
        if stuck and (stuck.code is Code.CONTACT_AMBIGUOUS or self._same_company(view, decisions)):
            return Prediction(decisions, problem=stuck)
        return predict(_rearmed(view, side.rules), links.of(view), side.rules, side.tenant, side.assumed)

    def _same_company(self, view: ContactView, decisions: Iterable[Decision]) -> bool:
        """Whether these decisions lead to a company that the rules in force lead to as well."""
        return bool(_companies(decisions) & _companies(qualify(view, self.sides[0].rules)))

    def _load(self, ids: Sequence[str]) -> tuple[dict[str, ContactView], "_LinksOf"]:
        views = mirror.views(self.session, ids)
        companies = {a.company.id for view in views.values() for a in view.associations}
        return views, _LinksOf(work.links_of(self.session, ids, companies))

    def _keep(self, contact: str, now: Prediction, then: Prediction) -> None:
        for side, prediction in zip(self.sides, (now, then), strict=True):
            self.spool.write(side.world, contact, prediction.writes)
            self.spool.count(side.world, _code(prediction))
        before, after = _qualified(now), _qualified(then)
        if before != after:
            self.spool.move(contact, "entering" if after else "leaving")
        said = {*now.warnings, now.problem}
        for reason in (*then.warnings, *([then.problem] if then.problem else [])):
            if reason not in said:
                self.spool.warn(contact, str(reason.code), reason.text)

    def look_again(self) -> None:
        """Contacts of companies that become accounts get their relationships to them."""
        for side in self.sides:
            for accounts in self.spool.new_accounts(side.world, PORTION):
                for ids in mirror.portions(mirror.contacts_of(self.session, accounts), PORTION):
                    views, links = self._load(work.decidable_of(self.session, ids))
                    self._again(side, views.values(), links)
                    self.session.expunge_all()

    def _again(self, side: _Side, views: Iterable[ContactView], links: "_LinksOf") -> None:
        for view in views:
            companies = (association.company.id for association in view.associations)
            further = frozenset(i for i in companies if self.spool.makes_account(side.world, i))
            own = _companies(qualify(view, side.rules))
            if own and further - own:
                world = replace(side.assumed, accounts=further - own)
                prediction = predict(view, links.of(view), side.rules, side.tenant, world)
                self.spool.write(side.world, view.id, prediction.writes, again=True)

    # ---- what cannot be known, or should be known before

    def warn_of_gaps(self) -> None:
        """Things that the prediction rests on and that nobody has looked at yet."""
        if not self.tenant_known:
            self.spool.warn(
                "", "", "no run has read the tenant yet: the shipped field table is used, owners are unknown"
            )
        then = self.sides[1].rules
        for stream in STREAMS:
            known = (streams.remembered(self.session, f"properties of {stream}") or "").split()
            named = then.contact_properties() if stream == "contacts" else then.company_properties()
            missing = sorted(set(named) - set(known)) if known else []
            if missing:
                self.spool.warn("", "", f"not in the mirror yet, so taken as empty: {stream}: {', '.join(missing)}")

    def warn_of_guard(self, limit: int) -> None:
        records = sum(self.spool.counts("then")["create"].values())
        if limit and records > limit:
            text = f"{records} records would be created, guard.max_creates allows {limit} in one cycle"
            self.spool.warn("", str(Code.GUARD_TRIPPED), text)


class _LinksOf:
    """The links of a portion of contacts, handed out contact by contact."""

    def __init__(self, links: Links) -> None:
        self._by_id: dict[tuple[bool, str], list[Any]] = {}
        for link in links.values():
            self._by_id.setdefault((link.entity == ACCOUNT, link.key.partition(":")[0]), []).append(link)

    def of(self, view: ContactView) -> Links:
        keys = [(False, view.id), *((True, association.company.id) for association in view.associations)]
        return {(link.entity, link.key): link for key in keys for link in self._by_id.get(key, ())}


_ONLY_C4C_KNOWS = (Code.ACCOUNT_AMBIGUOUS, Code.CONTACT_AMBIGUOUS)
"""Found there by the last run: still so under other rules, unless they choose another company."""


def _companies(decisions: Iterable[Decision]) -> set[str]:
    return {d.company.id for d in decisions if d.qualified and d.company}


def _rearmed(view: ContactView, rules: Rules) -> ContactView:
    """Under other rules a score may already have been below its re-arm level: the run that adopts them notes it."""
    below = {s.name for s in rules.qualification.scores if level(s, view.properties) is Level.BELOW}
    cycles = tuple(replace(cycle, rearmed=cycle.rearmed or cycle.score in below) for cycle in view.cycles)
    return replace(view, cycles=cycles)


def _qualified(prediction: Prediction) -> bool:
    """Whether any score's rules are met; a lead that is closed already does not change that."""
    met = (Code.QUALIFIED, Code.LEAD_CLOSED, Code.ALREADY_HANDED_OVER)
    return any(decision.code in met for decision in prediction.decisions)


def _code(prediction: Prediction) -> str:
    return str(prediction.problem.code if prediction.problem else leading(prediction.decisions).code)
