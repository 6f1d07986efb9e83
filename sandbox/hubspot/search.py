"""POST …/search: reading the request, finding the rows, cutting the page (HubSpot search guide)."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sandbox.hubspot.errors import bad_request
from sandbox.hubspot.filters import Filter, bounds, read_filter, refuse_epoch, test_for
from sandbox.hubspot.index import SearchIndex, tie
from sandbox.hubspot.store import HubSpotStore

MAX_PAGE = 200
MAX_RESULTS = 10_000
MAX_GROUPS, MAX_FILTERS, MAX_FILTERS_IN_ALL = 5, 6, 18
MAX_BODY = 3_000
_COMPANY = "associations.company"


@dataclass
class Query:
    """A search request that passed all checks."""

    groups: list[list[Filter]]
    sort: str | None
    descending: bool
    properties: list[str]
    limit: int
    offset: int
    key: str


def read_query(body: Any, index: SearchIndex) -> Query:
    if not isinstance(body, dict):
        raise bad_request("Invalid input JSON")
    groups = _read_groups(body)
    for one in (one for group in groups for one in group if one.name != _COMPANY):
        _known(index, one.name)
        refuse_epoch(index, one)
    sort, descending = _read_sort(body, index)
    limit, offset = _read_page(body)
    key = json.dumps([body.get("filterGroups"), body.get("filters"), sort, descending], sort_keys=True)
    return Query(groups, sort, descending, list(body.get("properties") or []), limit, offset, key)


def _read_groups(body: dict[str, Any]) -> list[list[Filter]]:
    raw = body.get("filterGroups") or []
    if body.get("filters"):
        raw = [{"filters": body["filters"]}, *raw]
    groups = [[read_filter(one) for one in group.get("filters") or []] for group in raw]
    if len(groups) > MAX_GROUPS:
        raise bad_request(f"No more than {MAX_GROUPS} filter groups are allowed")
    if any(len(group) > MAX_FILTERS for group in groups):
        raise bad_request(f"No more than {MAX_FILTERS} filters in a group are allowed")
    if sum(map(len, groups)) > MAX_FILTERS_IN_ALL:
        raise bad_request(f"No more than {MAX_FILTERS_IN_ALL} filters are allowed in all")
    return groups


def _known(index: SearchIndex, name: str) -> None:
    if name not in index.definitions:
        raise bad_request("There was a problem with the request.")


def _read_sort(body: dict[str, Any], index: SearchIndex) -> tuple[str | None, bool]:
    sorts = body.get("sorts") or []
    if len(sorts) > 1:
        raise bad_request("Only one sort is allowed")
    if not sorts:
        return None, False
    rule = sorts[0]
    if isinstance(rule, str):
        rule = {"propertyName": rule.removeprefix("-"), "direction": "DESCENDING" if rule[:1] == "-" else "ASCENDING"}
    _known(index, rule.get("propertyName", ""))
    return rule["propertyName"], rule.get("direction", "ASCENDING") == "DESCENDING"


def _read_page(body: dict[str, Any]) -> tuple[int, int]:
    limit = body.get("limit", 10)
    if not isinstance(limit, int) or not 0 <= limit <= MAX_PAGE:
        raise bad_request(f"limit must be at most {MAX_PAGE}")
    after = str(body.get("after") or "0")
    if not after.isdigit():
        raise bad_request("after must be an integer")
    if int(after) + limit > MAX_RESULTS:
        raise bad_request(f"Paging beyond {MAX_RESULTS} results is not possible")
    return limit, int(after)


def search(store: HubSpotStore, kind: str, body: Any) -> dict[str, Any]:
    """One page. The index decides which rows match, the records what they show."""
    index = store.searchable(kind)
    query = read_query(body, index)
    key = f"{query.key}{store.links.version if _COMPANY in query.key else ''}"
    ids = index.remembered(key)
    if ids is None:
        ids = _find(store, index, query)
        index.remember(key, ids)
    return _page(store, kind, query, ids)


def _page(store: HubSpotStore, kind: str, query: Query, ids: list[str]) -> dict[str, Any]:
    end = query.offset + query.limit
    chosen = ids[query.offset : end]
    if store.settings.index_shuffle:
        chosen = store.random.sample(chosen, len(chosen))  # rows out of order (estuary#2210)
    found = [store.find(kind, record_id) for record_id in chosen]
    known = store.shown(kind, query.properties)
    results = [record.as_json(query.properties, known) for record in found if record is not None]
    answer: dict[str, Any] = {"total": len(ids), "results": results}
    if query.limit and end < len(ids):
        answer["paging"] = {"next": {"after": str(end)}}
    return answer


def _find(store: HubSpotStore, index: SearchIndex, query: Query) -> list[str]:
    groups = query.groups or [[]]
    found: dict[str, None] = {}
    for group in groups:
        found |= dict.fromkeys(_match(store, index, group))
    return _sorted(index, found, query.sort, query.descending)


def _match(store: HubSpotStore, index: SearchIndex, group: list[Filter]) -> Iterable[str]:
    tests = [test_for(index, one) for one in group if one.name != _COMPANY]
    wanted = [_company_test(store, one) for one in group if one.name == _COMPANY]
    documents = index.documents
    for record_id in _candidates(index, group):
        document = documents[record_id]
        if all(test(document) for test in tests) and all(test(record_id) for test in wanted):
            yield record_id


def _candidates(index: SearchIndex, group: list[Filter]) -> list[str]:
    """The rows of the filter that leaves fewest, so that a narrow query need not look at everything."""
    best: tuple[int, str, int, int] | None = None
    for one in group:
        if one.name == _COMPANY or one.name in index.not_indexed or index.definitions[one.name].type == "enumeration":
            continue
        limits = bounds(index, one)
        if limits is not None:
            start, stop = index.span(one.name, *limits)
            best = min(best or (stop - start, one.name, start, stop), (stop - start, one.name, start, stop))
    if best is None:
        return list(index.documents)
    return [record_id for _, _, record_id in index.column(best[1])[best[2] : best[3]]]


def _company_test(store: HubSpotStore, one: Filter) -> Callable[[str], bool]:
    """The pseudo-property associations.company filters by company, but search never shows associations."""
    wanted = set(one.values) if one.operator == "IN" else {one.value}
    if one.operator not in ("EQ", "IN"):
        raise bad_request(f"operator {one.operator} is not supported for {_COMPANY}")
    return lambda record_id: not wanted.isdisjoint(store.companies_of(record_id))


def _sorted(index: SearchIndex, found: dict[str, None], sort: str | None, descending: bool) -> list[str]:
    name = sort or "createdate"  # no sort means order of creation (HubSpot search guide)
    if len(found) * 4 > len(index.documents):
        ranked = [record_id for _, _, record_id in index.column(name) if record_id in found]
    else:
        values = [(index.comparable(name, index.documents[number].get(name)), number) for number in found]
        ranked = [number for _, _, number in sorted((v, tie(n), n) for v, n in values if v is not None)]
    if descending:
        ranked.reverse()
    if len(ranked) == len(found):
        return ranked
    placed = set(ranked)
    return ranked + [record_id for record_id in found if record_id not in placed]
