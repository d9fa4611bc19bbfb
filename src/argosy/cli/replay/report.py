"""What a replay came to: a table for people, and the same as one object for programs."""

from __future__ import annotations

import resource
from datetime import UTC, date, datetime, time
from typing import Any

import msgspec
from sqlalchemy import Connection, func, select

from argosy.cli import show
from argosy.cli.replay.compare import Comparison, Figures, compare
from argosy.cli.replay.days import FLEET, frozen_at
from argosy.spec.fleet import POOLED
from argosy.spec.quantity import plural
from argosy.store import resources, schema
from argosy.store.store import Store

_WEATHER_ENDS = datetime(2013, 12, 30, 23, tzinfo=UTC)


class Counts(msgspec.Struct, frozen=True):
    """How often what happened."""

    members: int
    versions: int
    promotions: int
    rollbacks: int
    alerts: int


class Cost(msgspec.Struct, frozen=True):
    """What this run took: seconds on the clock, CPU seconds of all its processes, the largest one's memory."""

    wall_s: float
    cpu_s: float
    peak_mb: float


class Report(msgspec.Struct, frozen=True):
    """A replay up to `until`."""

    until: date
    counts: Counts
    comparison: Comparison | None
    cost: Cost
    trials: tuple[str, ...]

    def object(self) -> dict[str, Any]:
        """For programs."""
        found = self.comparison
        return {
            **msgspec.to_builtins(self.counts),
            "rows_scored": found.total.rows if found else 0,
            "months": msgspec.to_builtins(found.months) if found else [],
            "total": msgspec.to_builtins(found.total) if found else None,
            **msgspec.to_builtins(self.cost),
            "until": self.until.isoformat(),
            "trials": list(self.trials),
        }

    def show(self) -> None:
        """For people, on stdout."""
        if self.comparison is not None:
            scores = [">AUC\nmanaged", ">\nfrozen", ">\npooled", ">log-loss\nmanaged", ">\nfrozen", ">\npooled"]
            figures = [*self.comparison.months, self.comparison.total]
            show.table(["\nmonth", ">\nrows", *scores], [_row(each) for each in figures])
            show.put(
                "", "Beside the fleet as it was managed: the same fleet frozen in March, and one pooled model of March."
            )
        c = self.counts
        show.put(
            "",
            f"{plural(c.members, 'member')}, {plural(c.versions, 'version')} trained, {c.promotions} promoted, "
            f"{c.rollbacks} rolled back, {plural(c.alerts, 'alert')}.",
            *self.trials,
            f"It took {show.span(self.cost.wall_s)}, {show.span(self.cost.cpu_s)} of CPU, and at most "
            f"{self.cost.peak_mb:,.0f} MB in one process.",
        )


def report(store: Store, until: date, cost: Cost) -> Report:
    """What the facts of a replay come to."""
    end = datetime.combine(until, time(), UTC)
    comparison = compare(store, frozen_at(), end)
    with store.read() as conn:
        counts, trials = _counts(conn), tuple(_trials(conn, comparison, end))
    return Report(until, counts, comparison, cost, trials)


def cost(wall_s: float) -> Cost:
    """What this process and all children that it has waited for used so far."""
    own, others = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime
    return Cost(wall_s, cpu, max(own.ru_maxrss, others.ru_maxrss) / 1024)


def _row(each: Figures) -> tuple[object, ...]:
    scores = [each.auc_managed, each.auc_frozen, each.auc_pooled, each.logloss_managed, each.logloss_frozen,
              each.logloss_pooled]  # fmt: skip
    return (each.month, each.rows, *(f"{score:.3f}" for score in scores))


def _counts(conn: Connection) -> Counts:
    member, version, rollout, alert = schema.member.c, schema.version.c, schema.rollout.c, schema.alert.c

    def count(column: Any, *where: Any) -> int:
        return int(conn.execute(select(func.count(column)).where(*where)).scalar_one())

    return Counts(
        members=count(member.id, member.fleet == FLEET, member.key != POOLED),
        versions=count(version.id, version.fleet == FLEET),
        promotions=count(rollout.id, rollout.fleet == FLEET, rollout.state == "finished"),
        rollbacks=count(rollout.id, rollout.fleet == FLEET, rollout.state == "rolled_back"),
        alerts=count(alert.id, alert.fleet == FLEET, alert.state == "raised"),
    )


def _trials(conn: Connection, comparison: Comparison | None, end: datetime) -> list[str]:
    """What the data held in store for the fleet, and what became of it: one line each, from facts."""
    lines = []
    kept_out = next(resources.every(conn, "findings", "dataset:weather column:wind_speed"), None)
    if kept_out is not None:
        lines.append(f"weather: {kept_out['message']} ({kept_out['outcome']}).")
    late = [item for item in resources.every(conn, "versions", f"fleet:{FLEET} key:EWR/VX")]
    if late:
        first = late[-1]
        lines.append(
            f"EWR/VX, with no flight before April, started on the pooled model and got a first version of its own "
            f"({show.text(first['at'])}, {first['rows']:,} rows)."
        )
    answering = {"own": 0, "pooled": 0}
    for item in resources.every(conn, "members", f'fleet:{FLEET} -key:"{POOLED}"'):
        answering["own" if item["target"] == "own" else "pooled"] += 1
    finding = schema.finding.c
    lost = select(func.sum(finding.rows)).where(
        finding.dataset == "flights", finding.rule == "reference", finding.column == "dest"
    )
    unknown = conn.execute(lost).scalar_one()
    if unknown:
        lines.append(
            f"flights: {unknown:,} rows go to airports that are not in the register (BQN, PSE, SJU, STT); warned."
        )
    if comparison is not None and comparison.planeless:
        lines.append(f"{comparison.planeless:,} rows were answered without knowing the plane: its features were null.")
    if comparison is not None and comparison.stale:
        why = "gaps in the weather" + (", and its end on 30 December" if end >= _WEATHER_ENDS else "")
        lines.append(f"{comparison.stale:,} rows were answered with features past their time to live: {why}.")
    lines.append(f"Now {answering['own']} members answer by their own model, {answering['pooled']} by the pooled one.")
    return lines
