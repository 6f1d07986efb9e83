"""Modules of all test directories share one name space: two of one name stop the whole collection."""

from collections import Counter
from pathlib import Path

HERE = Path(__file__).parents[1]


def test_no_two_modules_of_the_tests_have_one_name() -> None:
    names = Counter(path.name for path in HERE.rglob("*.py") if path.name != "conftest.py")
    assert [name for name, times in names.items() if times > 1] == []
