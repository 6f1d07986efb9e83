"""Cases side by side: most of a run is waiting, for HubSpot's pace and for the disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from queue import SimpleQueue

from stage import Product, running_sandbox
from warm import Warm
from world.sandbox import Sandbox

NUMBER = 2


@dataclass(frozen=True)
class Lane:
    """A sandbox and an interpreter for one case at a time."""

    sandbox: Sandbox
    warm: Warm
    homes: Iterator[Path]

    def product(self) -> Product:
        """The program with a state of its own."""
        return Product(next(self.homes), self.sandbox.environment(), warm=self.warm)


Case = Callable[[Lane], None]


@contextmanager
def open_lanes(directory: Path) -> Iterator[list[Lane]]:
    homes = (directory / str(n) for n in count())
    with ExitStack() as stack:
        made = []
        for n in range(NUMBER):
            place = directory / f"lane{n}"
            place.mkdir()
            warm = Warm(place)
            stack.callback(warm.close)
            made.append(Lane(stack.enter_context(running_sandbox()), warm, homes))
        yield made


def side_by_side(cases: Mapping[str, Case], made: list[Lane]) -> dict[str, Exception]:
    """Carries all cases out; what went wrong, by name."""
    free: SimpleQueue[Lane] = SimpleQueue()
    for lane in made:
        free.put(lane)

    def carry_out(case: Case) -> Exception | None:
        lane = free.get()
        try:
            case(lane)
        except Exception as error:
            return error
        finally:
            free.put(lane)
        return None

    with ThreadPoolExecutor(len(made)) as pool:
        ends = zip(cases, pool.map(carry_out, cases.values()), strict=True)
        return {name: error for name, error in ends if error is not None}
