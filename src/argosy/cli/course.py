"""What is told of a run while it goes on: a line for each step that ends, a bar for those with many calls."""

from __future__ import annotations

import sys
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

import msgspec

from argosy.cli import show
from argosy.engine.contract import Session
from argosy.pipelines.landing import Ended
from argosy.spec.quantity import plural
from argosy.store import calls, runs
from argosy.store.runs import Ending, Run

_EVERY = 2.0
WORDS = {calls.EXECUTED: "done", calls.CACHED: "cached", calls.FAILED: "failed", calls.SKIPPED: "skipped"}
_LONGEST = 200
_MOST = 200
"""Lines of a run; of a longer one only what failed is told at once, and how far it is."""


def tally(counts: Mapping[str, int]) -> str:
    """How many calls came to what: `7 done, 3 cached`."""
    return ", ".join(f"{counts[state]:,} {word}" for state, word in WORDS.items() if counts.get(state))


def place(node: str, element: int) -> str:
    """A call as people name it: `fit[2]`, or `fit` where it is not mapped."""
    return node if element == calls.WHOLE else f"{node}[{element}]"


def given(parameters: Mapping[str, Any], longest: int | None = None) -> str:
    """Parameters as `--set` takes them: `depth=8, names=["AA","DL"]`, each value cut where it is longer."""
    return ", ".join(f"{name}={written(value, longest)}" for name, value in parameters.items())


def written(value: Any, longest: int | None = None) -> str:
    """A parameter's value: a text as it is, anything else as JSON."""
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if longest is None else cut(text, longest)


def cut(text: str, longest: int) -> str:
    """A text, or what there is room for and a mark that more of it follows."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


class Course:
    """Tells of one run, in words on stderr; a line at the bottom of a terminal says how far it is.

    `home` is what a command that looks at the run needs to find its home: see `home.option`.
    """

    def __init__(self, run: Run, *, home: str, quiet: bool) -> None:
        self._run = run
        self._home = home
        self._quiet = quiet
        self._live = sys.stderr.isatty() and not quiet
        self._nodes: dict[str, Counter[str]] = {}
        self._cpu: defaultdict[str, float] = defaultdict(float)
        self._began = self._told = time.monotonic()
        self._width = max((len(node["name"]) for node in run.body.get("nodes", ())), default=10)
        self._steps = len(run.body.get("nodes", ()))
        self._lines = 0
        self._bar = ""
        self._done = 0
        self._followed = False
        told = given(run.parameters)
        self.say(f"run {run.id} of {run.pipeline}" + (f" ({told})" if told else ""))

    def say(self, *lines: str) -> None:
        """Lines, above the one at the bottom."""
        if not self._quiet:
            self._wipe()
            show.say(*lines)

    def follow(self) -> None:
        """Another process is at work on the run: its calls are not told of here."""
        self._followed = True
        self.say(f"run {self._run.id} of {self._run.pipeline} is under way in another process; it is followed")

    def ended(self, ended: Ended) -> None:
        """One call has landed."""
        counts = self._nodes.setdefault(ended.node, Counter())
        counts[ended.state] += 1
        self._done += 1
        if ended.result is not None:
            self._cpu[ended.node] += ended.result.cpu_s
        if ended.state == calls.FAILED:
            self.say(f"  {place(ended.node, ended.element)}: {cut(ended.reason.splitlines()[0], _LONGEST)}")
        if counts.total() >= ended.of or ended.element == calls.WHOLE:
            self._node(ended, counts)
            counts.clear()  # what is made anew comes to its end once more

    def tick(self, session: Session) -> None:
        """Called all the while; says how far the run is, now and then."""
        if self._quiet or time.monotonic() - self._told < (0.2 if self._live else _EVERY):
            return
        self._told = time.monotonic()
        took = show.span(self._told - self._began)
        text = f"  {plural(self._done, 'call')} done, {len(session.running())} at work, {took}"
        if self._live:
            self._wipe()
            self._bar = text
            sys.stderr.write(text)
            sys.stderr.flush()
        else:
            show.say(text)

    def close(self, ending: Ending) -> None:
        """The run ended."""
        if ending.outcome == runs.SUCCEEDED and not self._followed:
            self._none()
        counts = Counter(ending.body.get("counts", {}))
        said = tally(counts)
        took = show.span(time.monotonic() - self._began)
        self.say(f"run {self._run.id} {ending.outcome} in {took}" + (f": {said}" if said else ""))
        at = f"{self._run.id}{self._home}"
        next = f"argosy {'retry' if ending.outcome == runs.CANCELLED else 'describe run'} {at}"
        if ending.outcome == runs.FAILED:
            next = f"argosy logs {at}, then argosy retry {at}, or correct the code and run it again"
        self.say(f"  next: {next}")

    def interrupt(self, state: str) -> None:
        """Ctrl-C was pressed: the run has come to a `state`, or is still running, in another process."""
        at = f"{self._run.id}{self._home}"
        if state == runs.RUNNING:
            self.say(f"run {self._run.id} goes on in another process", f"  next: argosy cancel {at}, to end it")
        else:
            self.say(f"run {self._run.id} {state}; what it did stays", f"  next: argosy retry {at}, to go on with it")

    def _none(self) -> None:
        """A line for each map over nothing: no call of it ever ended."""
        for node in self._run.body.get("nodes", ()) if self._steps <= _MOST else ():
            if node["name"] not in self._nodes and node.get("kind") == "map":
                self.say(f"  {node['name']:<{self._width}}  0 calls: it was given an empty list")

    def _node(self, ended: Ended, counts: Counter[str]) -> None:
        self._lines += 1
        if self._steps > _MOST and ended.state != calls.FAILED:
            return
        said = WORDS[ended.state] if ended.of == 1 else f"{counts.total():,} calls: {tally(counts)}"
        cost = f"  {self._cpu[ended.node]:.3g} CPU-s" if self._cpu[ended.node] else ""
        why = f"  ({ended.reason})" if set(counts) == {calls.SKIPPED} else ""
        self.say(f"  {ended.node:<{self._width}}  {said}{cost}{why}")

    def _wipe(self) -> None:
        if self._bar:
            sys.stderr.write("\r\x1b[K")
            self._bar = ""
