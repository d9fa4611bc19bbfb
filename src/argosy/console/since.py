"""The retrain condition of one member as a tree: what each part saw, and since when it has been so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection

from argosy.controller import condition, signal
from argosy.controller.condition import Explanation, explain
from argosy.spec import duration
from argosy.spec.condition import AllOf, AnyOf, Condition, Degraded, Drifted, NewRows, Not, OlderThan
from argosy.store import signals

_PAST = 400


class Held(msgspec.Struct, frozen=True):
    """One node of the tree; `since` is when its verdict came to be, None where that is not known."""

    rule: str
    saw: str
    holds: bool
    since: datetime | None = None
    parts: tuple[Held, ...] = ()


def conditions(conn: Connection, wanted: Condition, row: Mapping[str, Any], now: datetime) -> Held:
    """The tree over one row of the table of members."""
    return _walk(conn, wanted, explain(wanted, row, now), row, now)


def _walk(conn: Connection, wanted: Condition, seen: Explanation, row: Mapping[str, Any], now: datetime) -> Held:
    match wanted:
        case AllOf(conditions=inner) | AnyOf(conditions=inner):
            parts = tuple(_walk(conn, c, e, row, now) for c, e in zip(inner, seen.parts, strict=True))
            return Held(seen.rule, seen.saw, seen.holds, _joint(wanted, parts, seen.holds), parts)
        case Not(condition=inner):
            part = _walk(conn, inner, seen.parts[0], row, now)
            return Held(seen.rule, seen.saw, seen.holds, part.since, (part,))
        case _:
            return Held(condition.rule(wanted), seen.saw, seen.holds, _since(conn, wanted, seen.holds, row))


def _joint(wanted: Condition, parts: tuple[Held, ...], holds: bool) -> datetime | None:
    """All hold since the last came to, any since the first; not all since the first fell, none since the last."""
    times = [part.since for part in parts if part.holds == holds]
    known = [at for at in times if at is not None]
    if len(known) != len(times) or not known:
        return None
    return max(known) if isinstance(wanted, AllOf) == holds else min(known)


def _since(conn: Connection, wanted: Condition, holds: bool, row: Mapping[str, Any]) -> datetime | None:
    member = row["member_id"]
    match wanted:
        case OlderThan(age=age):
            trained: datetime | None = row.get("trained_at")
            return trained if trained is None or not holds else trained + duration.parse(age)
        case NewRows(count=count):
            least = (row.get(signal.TRAINED_ROWS) or 0.0) + count
            return (
                run(conn, member, signal.ROWS, lambda value: (value >= least) == holds)
                if holds
                else row.get("trained_at")
            )
        case Drifted(limit=None):
            return run(conn, member, signal.DRIFT, lambda value: (value > 1) == holds)
        case Drifted(limit=float() | int() as limit):
            return run(conn, member, signal.DRIFT_VALUE, lambda value: (value > limit) == holds)
        case Degraded():
            return run(conn, member, signal.DEGRADED, lambda value: (value > 0) == holds)
        case _:
            return None


def run(conn: Connection, member: int, name: str, same: Callable[[float], bool]) -> datetime | None:
    """The start of the unbroken run of like values of a signal that lasts until now; None where the latest is none."""
    start = None
    for each in signals.history(conn, member, name, _PAST):
        if each.value is None or not same(each.value):
            break
        start = each.at
    return start
