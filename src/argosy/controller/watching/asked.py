"""What is asked of a watch: the monitors of a fleet, those that go without saying, and how far back they look."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TypeVar

import polars as pl

from argosy.controller.observe import FleetState
from argosy.spec import duration
from argosy.spec.declared import Declared
from argosy.spec.fleet import Fleet
from argosy.spec.monitor import Attribution, Drift, Performance, Quality, Skew

M = TypeVar("M", bound=Declared)
DAY = timedelta(days=1)
_SCORED = "14d"
_UNASKED: tuple[Declared, ...] = (Quality(), Skew())
"""The monitors that go without saying; a declared one of the kind takes the place of each."""


def monitors(fleet: Fleet, kind: type[M]) -> list[M]:
    """The monitors of one kind: those that are declared, else that which goes without saying, if there is one."""
    declared: Iterable[Declared] = fleet.monitors
    found = [each for each in declared if isinstance(each, kind)]
    return found or [each for each in _UNASKED if isinstance(each, kind)]


def spans(fleet: Fleet) -> dict[str, str]:
    """Over how much time each score is taken, the search's first; a fortnight where no monitor says it."""
    given = monitors(fleet, Performance)
    metrics = dict.fromkeys([fleet.search.metric, *(each.metric for each in given)])
    return {name: next((each.window for each in given if each.metric == name), _SCORED) for name in metrics}


def horizon(fleet: Fleet, now: datetime) -> datetime:
    """The first decision time that the monitors look at: a midnight."""
    windows = [*spans(fleet).values(), *(each.window for each in monitors(fleet, Drift))]
    windows += [each.window for each in monitors(fleet, Quality)] + [each.window for each in monitors(fleet, Skew)]
    windows += [each.window for each in monitors(fleet, Attribution)]
    return midnight(min(now - duration.parse(span) for span in windows))


def arrivals(state: FleetState, now: datetime) -> datetime:
    """Since when rows came in that count for failures and rollouts: for a day, or since the oldest of these started."""
    running = state.table.filter((pl.col("rollout_state") == "started").fill_null(False))
    started: list[datetime] = running["rollout_at"].to_list()
    return min([now - DAY, *started])


def midnight(at: datetime) -> datetime:
    """The start of its day, UTC."""
    return at.replace(hour=0, minute=0, second=0, microsecond=0)
