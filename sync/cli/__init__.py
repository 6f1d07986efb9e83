"""The command line: admin commands and their exit codes."""

from sync.cli.commands import main

__all__ = ["main"]
