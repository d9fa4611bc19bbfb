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
from argosy.spec.rollout import Canary


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
    if row["rollout_state"] == "started" and isinstance(fleet.rollout, Canary):
        yield Ahead(
            "The canary is promoted unless it does worse than the champion.",
            row["rollout_at"] + duration.parse(fleet.rollout.bake),
        )
    if row["version_id"] is not None and row[signal.JUDGED] != row["version_id"]:
        yield Ahead(f"The gates are asked about version {row['version_number']}.")
    yield from _training(state, row, now)


def nearest(items: Iterable[Ahead]) -> tuple[Ahead, ...]:
    """What hangs on a time by that time, then the rest."""
    found = list(items)
    timed = sorted((each for each in found if each.at is not None), key=lambda each: (each.at, each.words))
    return (*timed, *(each for each in found if each.at is None))


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
