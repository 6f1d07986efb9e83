"""The command line: admin commands and their exit codes."""

import gc
import sys

from sync.cli import probe
from sync.environment import Environment


def main() -> None:
    """Runs a command and ends with its exit code.

    When the running worker answers a probe, the program itself is not loaded.
    """
    if sys.argv[1:] == ["health"] and (code := probe.is_answered(Environment())) is not None:
        sys.exit(code)
    _commands()


def _commands() -> None:
    if "sync.cli.commands" not in sys.modules:
        # Modules stay loaded until the end, so the garbage collector need not look through them: that saves a tenth of
        # a start.
        gc.disable()
        from sync.cli import commands

        gc.freeze()
        gc.enable()
    from sync.cli import commands

    commands.main()


__all__ = ["main"]
