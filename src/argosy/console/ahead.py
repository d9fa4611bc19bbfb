"""What happens next to a member, and when, as far as its declaration says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec
import polars as pl

from argosy.controller import condition, signal
from argosy.controller.observe import FleetState
from argosy.controller.plan import due
from argosy.controller.standing import Standing
from argosy.spec import duration
from argosy.spec.condition import OlderThan
from argosy.spec.rollout import NOUNS, ABTest, Canary, Gradual, Immediate, kind, under_way


class Ahead(msgspec.Struct, frozen=True):
    """Something to come; `at` is None where it does not hang on a time."""

    words: str
    at: datetime | None = None


def ahead(state: Standing, row: Mapping[str, Any], now: datetime) -> Iterator[Ahead]:
    """What is to come, as the declaration and the member's row say."""
    fleet = state.fleet
    waits = state.waiting.get(row["version_id"]) if row["version_id"] is not None else None
    if waits:
        yield Ahead(f"{waits.told[:1].upper()}{waits.told[1:]}.")
    if state.blocked:
        yield Ahead(f"Nothing is trained until the data is mended: {state.blocked}.")
    if row["rollout_state"] == "started" and not isinstance(fleet.rollout, Immediate):
        rollout = under_way(fleet.rollout, row["rollout_kind"])
        yield Ahead(_ending(rollout, row), row["rollout_at"] + rollout.deadlines[0])
    if row["version_id"] is not None and row[signal.JUDGED] != row["version_id"]:
        yield Ahead(f"The gates are asked about version {row['version_number']}.")
    yield from _training(state, row, now)


def nearest(items: Iterable[Ahead]) -> tuple[Ahead, ...]:
    """What hangs on a time by that time, then the rest."""
    found = list(items)
    timed = sorted((each for each in found if each.at is not None), key=lambda each: (each.at, each.words))
    return (*timed, *(each for each in found if each.at is None))


def _ending(rollout: Gradual, row: Mapping[str, Any]) -> str:
    """What becomes of a rollout under way when its time is over."""
    if isinstance(rollout, ABTest):
        return "The champion stays, unless the losses of the A/B test have decided before."
    wider = rollout.after(row["rollout_share"]) if isinstance(rollout, Canary) else None
    then = "promoted" if wider is None else f"widened to {wider:.0%} of the rows"
    return f"The {NOUNS[kind(rollout)]} is {then} unless it does worse than the champion."


def _training(state: Standing, row: Mapping[str, Any], now: datetime) -> Iterator[Ahead]:
    fleet = state.fleet
    one = state.table.filter(pl.col("member_id") == row["member_id"])
    todo = due(FleetState(fleet, state.revision, one), now)
    if not todo.is_empty():
        found = todo.row(0, named=True)
        if found["retry_at"] is not None and found["retry_at"] > now:
            yield Ahead(f"Training is tried again: {found['cause']}.", found["retry_at"])
        else:
            yield Ahead(f"It is trained at the next pass: {found['cause']}.")
        return
    rows = row[signal.ROWS] or 0
    if row["trained_at"] is None:
        yield Ahead(f"It is trained once {fleet.minimum_rows:,} labelled rows are known; there are {rows:,.0f}.")
        return
    for leaf in condition.leaves(fleet.retrain):
        if isinstance(leaf, OlderThan):
            at = row["trained_at"] + duration.parse(leaf.age)
            if at > now:
                yield Ahead(f"{condition.rule(leaf)} comes to hold.", at)
    yield Ahead(f"It is trained again when {condition.rule(fleet.retrain)}.")
