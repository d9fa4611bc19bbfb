"""The command line: the same operations as over HTTP, from a terminal. It translates, it never decides."""

from __future__ import annotations

from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command (default: that of the process) and return its exit code.

    0: done. 1: it failed. 2: it was used wrongly. 3: differences were found, where they were asked for.
    """
    from argosy.cli.app import run  # the child processes of `up` import this package without a command line

    return run(arguments)
