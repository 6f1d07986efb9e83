"""The command line: admin commands and their exit codes."""

import gc
import sys


def main() -> None:
    """Runs a command and ends with its exit code.

    The program itself is not loaded to list its commands, or where the running worker answers a probe.
    """
    if sys.argv[1:] == ["--help"]:
        from sync.cli import menu

        menu.show()
    elif sys.argv[1:] == ["health"]:
        from sync.cli import probe

        code = probe.is_answered(probe.ProcessVariables())
        sys.exit(code) if code is not None else _commands()
    else:
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
