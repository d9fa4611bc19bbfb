"""A dispatch over the pipelines of a home on a clock that runs fast: `timekeeper.py HOME BEGAN HOURS`.

BEGAN is when it was `START`, in seconds since 1970; since then HOURS pass in each second.
"""

from __future__ import annotations

import sys
import time
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event

from argosy.controller import dispatch
from argosy.store.store import Store

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.controller.timetable import START


class Fast:
    """The time by that clock."""

    def __init__(self, began: float, hours: float) -> None:
        self._began, self._hours = began, hours

    def now(self) -> datetime:
        """The current time."""
        return START + timedelta(hours=self._hours * (time.time() - self._began))


if __name__ == "__main__":
    home, began, hours = sys.argv[1:]
    with Store.open(home, create=False) as store:
        dispatch.run(store, Fast(float(began), float(hours)), Event(), every=0.1)
