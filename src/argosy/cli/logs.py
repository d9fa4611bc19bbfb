"""`argosy logs`: what the steps of a run wrote."""

from __future__ import annotations

import re
import time
from typing import Annotated

import msgspec
from cyclopts import Parameter
from sqlalchemy import Connection

from argosy.cli import home, show
from argosy.cli.course import place
from argosy.cli.option import Common
from argosy.cli.tail import Tail
from argosy.controller import cause, course, tenure, transcript
from argosy.controller.clock import SystemClock
from argosy.controller.transcript import Entry, Place
from argosy.errors import UsageError
from argosy.spec import size
from argosy.spec.quantity import plural
from argosy.store import Store, calls, underway
from argosy.store import runs as facts
from argosy.store.runs import Run
from argosy.store.underway import Underway

_POLL = 0.5
_UNSHOWN = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(\x07|\x1b\\)|[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""What moves a terminal's cursor, colours it or sets its title: a log may hold anything."""


class Asked(msgspec.Struct, frozen=True):
    """Which logs of a run, and which of their lines."""

    step: str | None
    element: int | None
    grep: str
    failed: bool

    def places(self, conn: Connection, run: Run, after: int = 0) -> list[Place]:
        """The calls that are asked for."""
        return transcript.places(conn, run, node=self.step, element=self.element, failed=self.failed, after=after)

    def live(self, conn: Connection, run: Run) -> list[Underway]:
        """The calls at work that are asked for."""
        if self.failed:
            return []
        return underway.of_run(conn, run.id, SystemClock().now(), node=self.step, element=self.element)

    def lines(self, entry: Entry) -> list[str]:
        """The lines of a log that are asked for, fit for a terminal."""
        told = [line.rsplit("\r", 1)[-1] for line in entry.text.replace("\r\n", "\n").split("\n")]
        if told[-1] == "":
            told.pop()
        if entry.state == calls.FAILED:
            told += (entry.traceback.rstrip() or entry.reason).splitlines()
        wanted = self.grep.casefold()
        return [_UNSHOWN.sub("", line) for line in told if wanted in line.casefold()]


def logs(
    id: int, /, *, step: str | None = None, element: int | None = None, grep: str = "",
    failed: Annotated[bool, Parameter(negative="")] = False,
    follow: Annotated[bool, Parameter(alias="-f", negative="")] = False, limit: int = 1000,
    common: Common | None = None,
) -> int:  # fmt: skip
    """Show what the steps of a run wrote, and of those that failed the traceback.

    A step that was cached tells what it wrote when it was executed, one that is at work the last it wrote so far. With
    --json each log is a line of JSON, with all that was kept: of more than 1 MiB, its beginning and its end.

    For example:
      argosy logs 12
      argosy logs 12 --failed
      argosy logs 12 --step fit --element 3
      argosy logs 12 --grep "did not converge"
      argosy logs 12 --follow

    Parameters
    ----------
    id
        The run.
    step
        Of one step.
    element
        Of one element of a mapped step, counted from 0.
    grep
        Only lines that hold this text, in capitals or not.
    failed
        Only of calls that failed.
    follow
        Go on with what steps write, as they write it, until the run ends. With --json, a log at a time, once it ends.
    limit
        How many lines at most, the last ones.
    """
    given = common or Common()
    if limit < 1:
        raise UsageError(f"--limit {limit} is not at least 1", next="leave it out for 1000 lines")
    asked = Asked(step, element, grep, failed)
    with home.open(given.home) as store:
        tenure.clear(store, facts.LEASE)
        with store.read() as conn:
            run = course.find(conn, id)
            cause.check(run, step)
            found = asked.places(conn, run)
            live = [] if follow else asked.live(conn, run)
            if given.json:
                for entry in (*transcript.read(conn, store.blobs, found), *map(_so_far, live)):
                    show.line(entry)
            else:
                named = follow or len(found) + len(live) > 1
                shown = _print(asked, conn, store, found, limit, named=named)
                shown += _print_live(asked, live, limit, named=named)
        if follow:
            _follow(asked, store, run, found, json=given.json)
        elif not given.json and not shown and (asked.grep or not (found or live)):
            show.say(_nothing(store, run, asked, home.option(given.home)))
    return 0


def _print(asked: Asked, conn: Connection, store: Store, found: list[Place], limit: int, *, named: bool) -> int:
    """The last lines of logs, each with whose it is where they are to be `named`; returns how many.

    Logs are read from the last one back, no further than to what is shown.
    """
    shown: list[list[str]] = []
    left, unread, cut, lost = limit, len(found), 0, 0
    for entry in transcript.read(conn, store.blobs, found[::-1]):
        lines = asked.lines(entry)
        unread -= 1
        cut = max(0, len(lines) - left)
        lost += entry.lost
        shown.append(_prefixed(entry, lines[cut:], named=named))
        left -= len(shown[-1])
        if not left:
            break
    for block in reversed(shown):
        show.put(*block)
    if cut or unread:
        before = " and ".join(filter(None, [plural(cut, "line") * bool(cut), plural(unread, "log") * bool(unread)]))
        show.say(
            f"{before} before these left out: --limit, --step, --element, --grep and --failed choose, --json has all "
            "that was kept"
        )
    if lost:
        show.say(f"{size.show(lost)} of what was written was not kept, nor has --json it: 1 MiB of a log is kept")
    return limit - left


def _print_live(asked: Asked, live: list[Underway], limit: int, *, named: bool) -> int:
    count = 0
    for each in live:
        entry = _so_far(each)
        lines = _prefixed(entry, asked.lines(entry)[-limit:], named=named)
        show.put(*lines)
        count += len(lines)
        if entry.lost:
            before = f"{plural(entry.lost, 'byte')} before these"
            show.say(f"{before}: what is kept of them is in the log once {each.node} ends")
        since = show.span((SystemClock().now() - each.started_at).total_seconds())
        show.say(f"{place(each.node, each.element)} is at work, for {since}: --follow shows what it writes")
    return count


def _so_far(each: Underway) -> Entry:
    return Entry(
        node=each.node, element=each.element, state=facts.RUNNING, execution_id=None,
        text=each.tail.decode(errors="replace"), lost=each.written - len(each.tail),
    )  # fmt: skip


def _follow(asked: Asked, store: Store, run: Run, found: list[Place], *, json: bool) -> None:
    last = max((each.id for each in found), default=0)
    tail = Tail()
    show.say(f"following run {run.id}")
    while True:
        state = _state(store, run)  # before the look: what lands between the two is found by the next one
        with store.read() as conn:
            for live in [] if json else asked.live(conn, run):
                entry = msgspec.structs.replace(_so_far(live), text=tail.fresh(live))
                show.put(*_prefixed(entry, asked.lines(entry), named=True))
            fresh = sorted(asked.places(conn, run, last), key=lambda each: each.id)
            for each, entry in zip(fresh, transcript.read(conn, store.blobs, fresh), strict=True):
                if json:
                    show.line(entry)
                    continue
                data = transcript.content(conn, store.blobs, each.digest) if each.digest is not None else b""
                entry = msgspec.structs.replace(entry, text=tail.rest(each.node, each.element, data))
                show.put(*_prefixed(entry, asked.lines(entry), named=True))
        last = fresh[-1].id if fresh else last
        if state != facts.RUNNING:
            show.say(f"run {run.id} is not at work: {state}")
            return
        time.sleep(_POLL)


def _prefixed(entry: Entry, lines: list[str], *, named: bool) -> list[str]:
    prefix = f"{place(entry.node, entry.element)} | " if named else ""
    return [f"{prefix}{line}" for line in lines]


def _nothing(store: Store, run: Run, asked: Asked, home: str) -> str:
    what = f"{asked.step or 'its steps'}" + (f", element {asked.element}" if asked.element is not None else "")
    state = _state(store, run)
    later = f"; it is at work: argosy logs {run.id} --follow{home}" if state == facts.RUNNING else ""
    wrote = f"holds {asked.grep!r}" if asked.grep else "failed" if asked.failed else "wrote anything"
    return f"nothing of run {run.id} ({what}) {wrote}{later}"


def _state(store: Store, run: Run) -> str:
    tenure.clear(store, facts.LEASE)
    with store.read() as conn:
        return facts.states(conn, [run.id], SystemClock().now())[run.id]
