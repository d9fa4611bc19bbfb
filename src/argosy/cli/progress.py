"""How far a long command has come: on a terminal a line that is written again and again, else a line now and then."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable

from argosy.cli import show

_LIVE_S, _QUIET_S = 0.2, 30.0
_WIDTH = 80
"""Columns of a terminal that does not say how many it has."""


class Progress:
    """One line on stderr. What it says is asked for only when it is written."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._next = time.monotonic() + (0 if self._live else _QUIET_S)

    def tell(self, text: Callable[[], str]) -> None:
        """Say where things stand, if that was not said just now."""
        at = time.monotonic()
        if at < self._next:
            return
        self._next = at + (_LIVE_S if self._live else _QUIET_S)
        if self._live:
            width = os.get_terminal_size(sys.stderr.fileno()).columns or _WIDTH
            sys.stderr.write(f"\r\x1b[2K{text()[: width - 1]}")
            sys.stderr.flush()
        else:
            show.say(text())

    def end(self) -> None:
        """Leave the line empty for what comes."""
        if self._live:
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()
