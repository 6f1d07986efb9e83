"""External keys: one type puts them together and takes them apart, and nothing else does."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from sync.domain.entities import TYPES, Entity
from sync.domain.keys import Key, beginning, ending, moved, owner_of

IDS = st.integers(1, 10**17).map(str)
PART = st.text(min_size=1, max_size=20).filter(lambda text: ":" not in text)
LAST = st.lists(PART, min_size=1, max_size=3).map(":".join)


@st.composite
def keys(draw: st.DrawFn) -> Key:
    """A key of any kind; its last part may contain colons."""
    entity = draw(st.sampled_from(Entity))
    if entity is Entity.LEAD:
        return Key.of_lead(draw(IDS), draw(PART), draw(st.integers(1, 10**6)))
    kind = TYPES[entity]
    names = kind.parts + (kind.optional if draw(st.booleans()) else ())
    # What may follow a last part would be taken for the further one.
    last = PART if kind.optional and names == kind.parts else LAST
    return Key(entity, draw(IDS), (*(draw(PART) for _ in names[:-1]), *((draw(last),) if names else ())))


@examples(100)
@given(keys())
def test_a_key_is_what_its_text_says(key: Key) -> None:
    assert Key.parse(key.entity, str(key)) == key
    assert owner_of(str(key)) == key.owner


@examples(100)
@given(st.sampled_from(Entity), st.text(max_size=40) | keys().map(str))
def test_a_text_that_is_read_stays_as_it_is(entity: Entity, text: str) -> None:
    key = Key.read(entity, text)
    assert key is None or str(key) == text


@examples(100)
@given(keys(), IDS)
def test_only_the_owner_changes_when_a_key_moves(key: Key, new: str) -> None:
    assert Key.parse(key.entity, moved(str(key), new)) == Key(key.entity, new, key.parts)


@examples(100)
@given(IDS, PART, st.integers(1, 10**6))
def test_cycles_of_a_lead_have_their_stem_in_common(contact: str, score: str, cycle: int) -> None:
    key = Key.of_lead(contact, score, cycle)
    assert key.lead == (score, cycle)
    assert key.stem == Key.of_lead(contact, score, cycle + 1).stem
    assert str(key).startswith(beginning(contact, score))
    assert str(key) == key.stem + ending(str(cycle))


@pytest.mark.parametrize(
    ("entity", "text", "parts"),
    [
        (Entity.ACCOUNT, "17", ()),
        (Entity.RELATION, "101:17", ("17",)),
        (Entity.LEAD, "101:mql:2", ("mql", "2")),
        (Entity.CHANNEL, "101:INT", ("INT",)),
        (Entity.ATTRIBUTE, "101:M:TOPIC", ("M", "TOPIC")),
        (Entity.ATTRIBUTE, "101:M:TOPIC:a:b", ("M", "TOPIC", "a:b")),
    ],
)
def test_texts_are_those_that_links_hold_since_the_first_version(
    entity: Entity, text: str, parts: tuple[str, ...]
) -> None:
    assert Key.parse(entity, text) == Key(entity, text.partition(":")[0], parts)


@pytest.mark.parametrize(
    ("entity", "text", "says"),
    [
        (Entity.LEAD, "101", "a key of Lead is ID:SCORE:CYCLE"),
        (Entity.LEAD, "101:mql", "a key of Lead is ID:SCORE:CYCLE"),
        (Entity.LEAD, "101:mql:", "a key of Lead is ID:SCORE:CYCLE"),
        (Entity.LEAD, "101:mql:2:3", "the cycle at the end of a lead's key is a whole number from 1"),
        (Entity.LEAD, "101:mql:1 copy", "the cycle at the end of a lead's key is a whole number from 1"),
        (Entity.LEAD, "101:mql:0", "the cycle at the end of a lead's key is a whole number from 1"),
        (Entity.RELATION, ":17", "a key of ContactIsContactPersonFor is ID:COMPANY"),
        (Entity.CONTACT, "", "a key of Contact is ID"),
    ],
)
def test_what_is_no_key_is_said(entity: Entity, text: str, says: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(says)}$"):
        Key.parse(entity, text)
    assert Key.read(entity, text) is None


# ---- nobody else

ELSEWHERE = {
    "c4c/multipart.py": "fields of a header",
    "cli/explained.py": "a line for people",
    "environment.py": "host:port",
    "net/addresses.py": "host:port",
    "state/lease.py": "host:process",
    "jobs/runner.py": "file:line",
    "faults.py": "file:line",
    "page/door.py": "host:port, user:password",
    "page/serving.py": "host:port",
}
"""Files that put other things together with a colon between them, or take them apart there."""


def _by_hand(tree: ast.AST) -> Iterator[int]:
    """Lines that split a text at a colon, or put one together of two values with nothing but a colon between them."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(attr=name), args=[ast.Constant(value=":"), *_]) if name in SPLITTING:
                yield node.lineno
            case ast.Call(func=ast.Attribute(value=ast.Constant(value=":"), attr="join")):
                yield node.lineno
            case (
                ast.JoinedStr(values=[*_, ast.Constant(value=":")])
                | ast.JoinedStr(values=[ast.Constant(value=":"), *_])
            ):
                yield node.lineno
            case ast.JoinedStr(values=values) if _between(values):
                yield node.lineno


SPLITTING = ("split", "rsplit", "partition", "rpartition")


def _between(values: list[ast.expr]) -> bool:
    kinds = [v.value if isinstance(v, ast.Constant) else None for v in values]
    return any(kinds[n : n + 3] == [None, ":", None] for n in range(len(kinds)))


def test_keys_are_put_together_and_taken_apart_in_one_place_only() -> None:
    root = Path("sync")
    found = {
        f"{path.relative_to(root)}:{line}"
        for path in sorted(root.rglob("*.py"))
        if path != root / "domain/keys.py" and str(path.relative_to(root)) not in ELSEWHERE
        for line in _by_hand(ast.parse(path.read_text()))
    }
    assert not found, "use sync.domain.keys: Key, owner_of, beginning, ending, moved"


@pytest.mark.parametrize(
    ("text", "by_hand"),
    [
        ("key.partition(':')[0]", True),
        ("contact, score, cycle = key.split(':')", True),
        ("key.rsplit(':', 1)", True),
        ("f'{contact}:{score}'", True),
        ("f'{contact}:'", True),
        ("f':{company}'", True),
        ("':'.join(parts)", True),
        ("f'{place}: {problem}'", False),
        ("text.partition('.')", False),
    ],
)
def test_the_search_finds_what_is_done_by_hand(text: str, by_hand: bool) -> None:
    assert bool(list(_by_hand(ast.parse(text)))) is by_hand
