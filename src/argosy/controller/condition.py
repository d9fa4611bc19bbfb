"""Conditions over the table of members: compiled to Polars for all of them, explained for one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import msgspec
import polars as pl

from argosy.controller import signal
from argosy.data.dtype import instant
from argosy.spec import duration
from argosy.spec.condition import AllOf, AnyOf, Condition, Degraded, Drifted, Never, NewRows, Not, OlderThan


class Explanation(msgspec.Struct, frozen=True):
    """What one condition saw of one member: the rule, the verdict, and the parts it is made of."""

    rule: str
    saw: str
    holds: bool
    parts: tuple[Explanation, ...] = ()

    def lines(self, depth: int = 0) -> Iterator[str]:
        """The tree as indented lines, a tick or a cross before each."""
        yield f"{'  ' * depth}{'✓' if self.holds else '✗'} {self.rule}" + (f": {self.saw}" if self.saw else "")
        for part in self.parts:
            yield from part.lines(depth + 1)


@lru_cache(maxsize=256)
def compile(condition: Condition, now: datetime) -> pl.Expr:
    """The condition as a boolean expression over the table of members (see `observe`); unknown values are false."""
    match condition:
        case AllOf(conditions=parts):
            return pl.all_horizontal([compile(part, now) for part in parts])
        case AnyOf(conditions=parts):
            return pl.any_horizontal([compile(part, now) for part in parts])
        case Not(condition=part):
            return ~compile(part, now)
        case Drifted(limit=None):
            return (pl.col(signal.DRIFT) > 1).fill_null(False)
        case Drifted(limit=limit):
            return (pl.col(signal.DRIFT_VALUE) > limit).fill_null(False)
        case Degraded():
            return (pl.col(signal.DEGRADED) > 0).fill_null(False)
        case OlderThan(age=age):
            return (pl.col("trained_at") <= instant(now - duration.parse(age))).fill_null(False)
        case NewRows(count=count):
            return (pl.col("new_rows") >= count).fill_null(False)
        case Never():
            return pl.lit(False)


def rule(condition: Condition) -> str:
    """The condition as its user would write it."""
    match condition:
        case AllOf(conditions=parts):
            return " & ".join(_bracketed(part) for part in parts)
        case AnyOf(conditions=parts):
            return " | ".join(_bracketed(part) for part in parts)
        case Not(condition=part):
            return f"~{_bracketed(part)}"
        case Drifted(limit=limit):
            return "drifted()" if limit is None else f"drifted({limit!r})"
        case Degraded():
            return "degraded()"
        case OlderThan(age=age):
            return f"older_than({age!r})"
        case NewRows(count=count):
            return f"new_rows({count})"
        case Never():
            return "never()"


def leaves(condition: Condition) -> tuple[Condition, ...]:
    """The conditions that look at a value, in reading order, each once."""
    match condition:
        case AllOf(conditions=parts) | AnyOf(conditions=parts):
            return tuple(dict.fromkeys(leaf for part in parts for leaf in leaves(part)))
        case Not(condition=part):
            return leaves(part)
        case _:
            return (condition,)


@lru_cache(maxsize=64)
def because(condition: Condition, now: datetime) -> pl.Expr:
    """Where a condition holds, the rules that make it so, in reading order and joined by "and"; else empty.

    Of an `|` those are the branches that hold, of an `&` all; a `~` is told as a whole.
    """
    found: dict[str, list[pl.Expr]] = {}
    for told, holds in _reasons(condition, pl.lit(True), now):
        found.setdefault(told, []).append(holds)
    said = [pl.when(pl.any_horizontal(holds)).then(pl.lit(told)) for told, holds in found.items()]
    return pl.concat_str(said, separator=" and ", ignore_nulls=True)


def _reasons(condition: Condition, given: pl.Expr, now: datetime) -> Iterator[tuple[str, pl.Expr]]:
    """The rule of each leaf, and where it holds together with all that it is a part of."""
    here = given & compile(condition, now)
    match condition:
        case AllOf(conditions=parts) | AnyOf(conditions=parts):
            for part in parts:
                yield from _reasons(part, here, now)
        case _:
            yield rule(condition), here


def explain(condition: Condition, row: Mapping[str, Any], now: datetime) -> Explanation:
    """The tree of what the condition sees in one row of the table of members."""
    match condition:
        case AllOf(conditions=inner) | AnyOf(conditions=inner):
            parts = tuple(explain(part, row, now) for part in inner)
            holds = all(p.holds for p in parts) if isinstance(condition, AllOf) else any(p.holds for p in parts)
            return Explanation("all of" if isinstance(condition, AllOf) else "any of", "", holds, parts)
        case Not(condition=part):
            inside = explain(part, row, now)
            return Explanation("not", "", not inside.holds, (inside,))
        case _:
            return Explanation(rule(condition), _saw(condition, row, now), _holds(condition, row, now))


def _holds(condition: Condition, row: Mapping[str, Any], now: datetime) -> bool:
    """Evaluated by the same expression as for the whole fleet, so that an explanation cannot disagree with it."""
    columns = [signal.DRIFT, signal.DRIFT_VALUE, signal.DEGRADED, "trained_at", "new_rows"]
    types: dict[str, Any] = {**dict.fromkeys(columns, pl.Float64), "trained_at": pl.Datetime("us", "UTC")}
    frame = pl.DataFrame({name: [row.get(name)] for name in columns}, schema=types)
    return bool(frame.select(compile(condition, now)).item())


def _saw(condition: Condition, row: Mapping[str, Any], now: datetime) -> str:
    match condition:
        case Drifted():
            value, ratio = row.get(signal.DRIFT_VALUE), row.get(signal.DRIFT)
            if value is None:
                return f"not measured: {_unmeasured(row, now)}"
            return f"worst distance {value:.3f}" + (f", {ratio:.2f} of its limit" if ratio is not None else "")
        case Degraded():
            value, rows = row.get(signal.SCORE), row.get(signal.SCORE_ROWS)
            judged = row.get(signal.DEGRADED)
            if judged is None and value is None:
                return "no labelled predictions yet"
            score = "no score" if value is None else f"live score {value:.3f} on {int(rows or 0)} rows"
            return score + (
                ", not judged" if judged is None else ", a limit is broken" if judged else ", within limits"
            )
        case OlderThan():
            trained: datetime | None = row.get("trained_at")
            return (
                "never trained" if trained is None else f"trained {duration.show(max(now - trained, timedelta()))} ago"
            )
        case NewRows():
            count = row.get("new_rows")
            return "not counted yet" if count is None else f"{int(count)} new labelled rows"
        case _:
            return "by hand only"


def _unmeasured(row: Mapping[str, Any], now: datetime) -> str:
    since, window = row.get(signal.DRIFT_SINCE), row.get(signal.DRIFT_WINDOW)
    if since is None or window is None:
        return "too few rows were answered lately"
    counted, whole = timedelta(seconds=now.timestamp() - since), timedelta(seconds=window)
    return f"rows of {duration.show(counted)} so far, a window of {duration.show(whole)} counts from half of it on"


def _bracketed(condition: Condition) -> str:
    text = rule(condition)
    return f"({text})" if isinstance(condition, (AllOf, AnyOf)) else text
