"""`argosy optimise`: smaller and faster versions made from one."""

from __future__ import annotations

import os
from typing import Annotated

from cyclopts import Parameter

from argosy.cli import home, show
from argosy.cli.log import quietly
from argosy.cli.option import Common
from argosy.controller.house import House
from argosy.controller.loop import Done
from argosy.controller.optimising import Optimised, Report
from argosy.controller.optimising import optimise as optimised
from argosy.errors import UsageError
from argosy.registry.address import parse
from argosy.training.optimise.work import METHODS, Method, Order

_FIGURES = {"size_kb": ">size kB", "latency_p50_ms": ">p50 ms", "latency_p99_ms": ">p99 ms"}
_MOST_TREES = 10_000


def optimise(
    version: str, /, *, method: tuple[Method, ...] = METHODS, tolerance: float = 0.01, trees: int = 20,
    dry_run: Annotated[bool, Parameter(negative="")] = False, common: Common | None = None,
) -> int:  # fmt: skip
    """Make smaller models of a version, measure them beside it, and let the gates judge each as a new version.

    prune keeps the first trees of a LightGBM model, as few as do almost as well, and prune-weights as few weights of a
    network; quantise computes its layers in eight bits, scaled for each batch, and quantise-static scaled once by
    training rows; distil fits a few small trees to what the version answers; cascade lets such trees answer the rows
    that they are sure of, and the version the others. Both models are measured on the same held-out rows. A method that
    does not apply says why, and one that leaves nothing smaller, or cheaper, makes no version.

    For example:
      argosy optimise late-arrival/JFK/AA@7
      argosy optimise late-arrival/JFK/AA --method prune --tolerance 0.005
      argosy optimise "late-arrival/*" --method distil --trees 40 --dry-run

    Parameters
    ----------
    version
        The version, as FLEET/KEY@NUMBER; without a number the member's latest.
    method
        A method; again for each. Default: all.
    tolerance
        By what share of its value prune, prune-weights and cascade may make the fleet's search metric worse.
    trees
        How many trees distil and cascade fit.
    dry_run
        Measure, and record nothing.
    """
    given, address = common or Common(), parse(version)
    if not 0 <= tolerance < 1:
        raise UsageError(f"--tolerance {tolerance} is no share", next="write a number from 0 to 1, such as 0.01")
    if not 1 <= trees <= _MOST_TREES:
        raise UsageError(f"--trees {trees}", next=f"write a number from 1 to {_MOST_TREES:,}")
    quietly()
    orders = [Order(each, tolerance, trees) for each in dict.fromkeys(method)]
    with home.open(given.home) as store, House(store, actor=home.actor(), environment=os.environ) as house:
        now, told = home.clock(store).now(), None if given.json else _say
        found = optimised(house, address, orders, now, record=not dry_run, on_done=told)
    if given.json:
        show.emit(found)
    else:
        _put(found)
    return 0


def _say(done: Done) -> None:
    show.say(done.said)


def _put(found: Report) -> None:
    """A line a method: each figure of the original and of what was made of it."""
    names = {**_FIGURES, found.metric: f">{found.metric}"}
    made = [each for each in found.methods if each.after]
    rows = [
        [each.method, each.version or "not recorded", each.rows, *(_change(each, name) for name in names)]
        for each in made
    ]
    if rows:
        show.table(["method", "version", ">rows", *names.values()], rows)
    for each in found.methods:
        if each.reason:
            show.say(f"{_subject(each, found.version)}{each.reason}")
            if each.next:
                show.say(f"  next: {each.next}")


def _subject(each: Optimised, original: str) -> str:
    """Of what the reason tells: of the version, of a model that is not a new one, or of the method."""
    if each.version is not None:
        return f"{each.version} "
    return f"{each.method}: " if each.after else f"{each.method} does not apply to {original}: "


def _change(each: Optimised, name: str) -> str:
    return f"{show.text(each.before.get(name))} -> {show.text(each.after.get(name))}"
