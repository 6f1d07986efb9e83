"""`python -m sandbox`: both stand-ins and their control port on loopback, announced by one JSON line."""

from __future__ import annotations

import argparse
import sys

EXIT_USAGE = 2


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    for name in ("hubspot", "c4c", "control"):
        parser.add_argument(f"--{name}-port", type=int, default=0, help="0 takes any free port")
    parser.add_argument("--contacts", type=int, default=500)
    parser.add_argument("--companies", type=int, default=120)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--empty", action="store_true", help="start without any data")
    parser.add_argument("--strict", action="store_true", help="refuse and record each request that breaks a standard")
    parser.add_argument("--die-with-parent", action="store_true", help="end when the process that started this ends")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    options = arguments(argv)
    try:
        import starlette  # noqa: F401
        import uvicorn  # noqa: F401
    except ModuleNotFoundError:
        print("The sandbox needs an extra: pip install 'hubspot-c4c-sync[demo]'", file=sys.stderr)
        return EXIT_USAGE
    from sandbox.process import run

    run(options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
