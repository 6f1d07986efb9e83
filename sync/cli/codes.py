"""Writes docs/codes.md from the list of reason codes: `python -m sync.cli.codes > docs/codes.md`."""

import sys

from sync.domain.codes import EXPLANATIONS, RETIRED, Code

PAGE_HEAD = """# Reason codes

Every decision and every parked contact ends in one of these. Made from `sync/domain/codes.py` by
`python -m sync.cli.codes > docs/codes.md`; a test compares them.

| code | means | what to do |
|---|---|---|
"""

_RETIRED_HEAD = """
## Retired

This version never gives these codes; a state file of an older version may still hold them.

| code | means | what to do |
|---|---|---|
"""


def page() -> str:
    """The page as Markdown."""
    rows = {c: f"| `{c}` | {EXPLANATIONS[c].meaning} | {EXPLANATIONS[c].remedy} |\n" for c in Code}
    return (
        PAGE_HEAD
        + "".join(rows[c] for c in Code if c not in RETIRED)
        + _RETIRED_HEAD
        + "".join(rows[c] for c in sorted(RETIRED))
    )


if __name__ == "__main__":
    sys.stdout.write(page())
