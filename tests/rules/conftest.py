"""Log lines of these tests go nowhere: what other tests set up may be closed by now."""

import pytest

from sync.log import configure


@pytest.fixture(autouse=True)
def _quiet() -> None:
    configure("json", "ERROR")
