"""`argosy demo`: the closed loop on real flights."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import time
from datetime import date
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from argosy.cli import show
from argosy.cli.log import quietly
from argosy.cli.replay import example
from argosy.cli.replay.days import END, FLEET, START, Day, Replay
from argosy.cli.replay.report import Report, cost, report
from argosy.controller.action import headline
from argosy.controller.loop import Done
from argosy.errors import UsageError
from argosy.spec.fleet import POOLED
from argosy.store import Store, resources


def demo(
    *, until: str = END.isoformat(), fresh: Annotated[bool, Parameter(negative="")] = False, serve: bool = True,
    json: Path | None = None, home: str | None = None,
) -> int:  # fmt: skip
    """Replay the flights out of New York in 2013 against one fleet: 35 models, one per airport and carrier.

    They are trained on January to March. Then, day by day, flights are scored over HTTP an hour before
    they leave, outcomes arrive, drift is found, members retrain, pass gates and roll out through canaries.
    Killed or interrupted, it goes on where it stood. At the end it opens the console until Ctrl-C.

    For example:
      argosy demo
      argosy demo --until 2013-06-30 --no-serve
      argosy demo --fresh --json figures.json
      argosy why late-arrival/EWR/VX --home ~/.cache/argosy/demo

    Parameters
    ----------
    until
        The last day to replay, up to 2013-12-31.
    fresh
        Begin anew: remove what an earlier demo left in its home.
    serve
        Leave the console up at the end.
    json
        Write the figures to this file.
    home
        The demo's home, a directory. Default: argosy/demo in the user's cache directory, whatever ARGOSY_HOME says.
    """
    last = _day(until)
    quietly()
    root = _home(home)
    module = example.prepare(root, fresh=fresh)
    started = time.monotonic()
    show.say(f"The demo lives in {root}.")
    with Store.open(root) as store:
        with Replay(store, module) as replay:
            first = replay.begin(_trained)
            if first > START:
                show.say(f"Going on with {first.isoformat()}.")
            progress = _Progress()
            for day in replay.days(first, last):
                progress(day)
            progress.end()
        # The server and the workers have ended: now their CPU time is known.
        show.say("Comparing with the fleet frozen in March, and with one pooled model.")
        found = report(store, last, cost(time.monotonic() - started))
        own = _own(store)
    _tell(found, json)
    show.say("", "Look around:", f"  export ARGOSY_HOME={shlex.quote(str(root))}")
    show.say(*(f"  {show.command()} {each}" for each in _looks(own, up=not serve)))
    if serve:
        from argosy.cli.up import look  # the console is only needed here

        return look(root)
    return 0


def _own(store: Store) -> str | None:
    """The address of the version of some member that answers by a model of its own, where one does."""
    with store.read() as conn:
        found = resources.page(conn, "members", f'fleet:{FLEET} target:own -key:"{POOLED}"', limit=1).items
    return f"{found[0]['address']}@{found[0]['champion_number']}" if found else None


def _looks(own: str | None, *, up: bool) -> list[str]:
    """What to try next; `own` is a version to ask about, `up` whether the console is still to be opened."""
    asked = [f"why {own.rpartition('@')[0]}", f"lineage {own}"] if own else []
    return [*["up"] * up, "get members", "get alerts", *asked]


class _Progress:
    """A line a day on a terminal, and a line a month that stays."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._month, self._rows, self._started = "", 0, time.monotonic()
        self._seconds: dict[str, float] = {}

    def __call__(self, day: Day) -> None:
        month = day.day.strftime("%Y-%m")
        if month != self._month:
            self.end()
            self._month, self._rows, self._started, self._seconds = month, 0, time.monotonic(), {}
        self._rows += day.rows
        for name, seconds in day.seconds.items():
            self._seconds[name] = self._seconds.get(name, 0.0) + seconds
        for line in day.said:
            self._line(f"{day.day.isoformat()}  {line}")
        if self._live:
            width = shutil.get_terminal_size().columns - 1
            text = f"{day.day.isoformat()}  {self._rows:,} rows this month"
            sys.stderr.write(f"\r\x1b[2K{text[:width]}")
            sys.stderr.flush()

    def end(self) -> None:
        """The line of the month that is over."""
        if self._month:
            phases = ", ".join(f"{name} {seconds:.1f}" for name, seconds in self._seconds.items())
            took = time.monotonic() - self._started
            self._line(f"{self._month}     {self._rows:,} rows scored in {took:.1f} s ({phases})")

    def _line(self, text: str) -> None:
        show.say(f"\r\x1b[2K{text}" if self._live else text)


def _trained(done: Done) -> None:
    show.say(f"  {headline(done.action)} ({done.wall_s:.1f} s): {done.said}")


def _tell(found: Report, json: Path | None) -> None:
    found.show()
    if json is not None:
        import msgspec

        json.write_bytes(msgspec.json.format(msgspec.json.encode(found.object()), indent=2) + b"\n")


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or not START <= day <= END:
        raise UsageError(f"--until {text!r} is no day from {START} to {END}", next="argosy demo --until 2013-06-30")
    return day


def _home(given: str | None) -> Path:
    if given:
        return Path(given).expanduser().resolve()
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(cache).expanduser().resolve() / "argosy" / "demo"
