"""The command line: admin commands and their exit codes."""

import gc

# All that is imported stays until the end: looking through it again and again takes a tenth of a start.
gc.disable()

from sync.cli.commands import main  # noqa: E402

gc.freeze()
gc.enable()

__all__ = ["main"]
