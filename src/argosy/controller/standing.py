"""How a fleet stands: its table with the status of every member, from facts alone, as every way in shows it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec
import polars as pl
from sqlalchemy import Connection

from argosy.controller import observe
from argosy.controller.plan import lacking
from argosy.controller.status import counts, status
from argosy.controller.wanted import Wanted, wanted
from argosy.data import state
from argosy.spec.feature import FeatureView, ViewReference
from argosy.spec.fleet import Fleet
from argosy.store import approvals, datasets, verdicts


class Standing(msgspec.Struct, frozen=True):
    """A fleet with its table: the columns of `observe.table`, `status`, `reason`, and `age` in days since training.

    `waiting` holds the versions that wait for a person, by id; `blocked` says why the fleet's data may not be used,
    None while it may.
    """

    fleet: Fleet
    table: pl.DataFrame
    revision: int
    waiting: dict[int, verdicts.Waiting]
    blocked: str | None

    @property
    def pooled(self) -> bool:
        """Whether a pooled model answers for members that have nobody else."""
        return self.fleet.pooled and bool(self.table.filter("pooled")["champion_id"].count())


def standing(conn: Connection, name: str, now: datetime) -> Standing | None:
    """What is true of a fleet; None where none of that name is declared. The number of queries is constant."""
    declared = wanted(conn)
    found = declared.get(("fleet", name))
    if found is None or not isinstance(found.declaration, Fleet):
        return None
    fleet = found.declaration
    undecided = verdicts.undecided(conn, name, fleet.approval)
    waiting = {each.version_id: each for each in undecided.waiting}
    stopped = hindrance(
        fleet, declared, state.blocked(conn, reads(fleet, declared)), datasets.version(conn, fleet.spine)
    )  # fmt: skip
    table = observe.table(conn, name)
    told = {id: each.told for id, each in waiting.items()}
    given = answers(conn, undecided)
    statuses = status(
        table, fleet, now, approvals=told, again=undecided.again, answers=given, blocked=stopped
    )  # fmt: skip
    age = ((pl.lit(now) - pl.col("trained_at")).dt.total_seconds() / 86_400).alias("age")
    return Standing(
        fleet, table.hstack(statuses.drop("key")).with_columns(age), found.revision, waiting, stopped
    )  # fmt: skip


def answers(conn: Connection, undecided: verdicts.Undecided) -> dict[int, str]:
    """What persons said of versions whose gates are to be asked again: `refused by ann: too old`, by the version's id.

    No query where nobody has answered.
    """
    if not undecided.answered:
        return {}
    return {id: answer.says for id, answer in approvals.of(conn, undecided.answered).items()}


def summary(conn: Connection, found: Standing) -> tuple[str, str]:
    """The status of a fleet, which is the worst there is, and how many members have each; or why it has no members.

    The pooled model is no member; where it alone has the worst status, that is said beside.
    """
    statuses, members = counts(found.table), counts(found.table.filter(~pl.col("pooled")))
    if statuses:
        worst = next(iter(statuses))
        told = [", ".join(f"{count:,} {word}" for word, count in members.items()) or "no members yet"]
        return worst, "; ".join([*told, *([f"the pooled model is {worst}"] if worst not in members else [])])
    name, spine = found.fleet.name, found.fleet.spine
    if found.blocked is not None:
        return "waiting", f"no members yet, for want of data: {found.blocked}"
    lacks = "its rows have not been counted" if datasets.version(conn, spine) is not None else f"{spine} has no rows"
    return "new", f"no members yet: {lacks} (argosy up, or argosy train {name})"


def hindrance(
    fleet: Fleet, wanted: Mapping[tuple[str, str], Wanted], blocked: Mapping[str, str], spine: datasets.Version | None
) -> str | None:
    """Why a fleet's data may not be used: what blocks a dataset that it reads, or a column that its spine lacks."""
    why = [f"{name}: {blocked[name]}" for name in reads(fleet, wanted) if name in blocked]
    absent = lacking(fleet, spine) if spine is not None else ""
    return "; ".join([*why, *([absent] if absent else [])]) or None


def reads(fleet: Fleet, wanted: Mapping[tuple[str, str], Wanted]) -> list[str]:
    """The datasets that a fleet's training reads, its spine first."""
    named = [each.name for each in fleet.features if isinstance(each, ViewReference)]
    views = [wanted["feature_view", name].declaration for name in named]
    return list(dict.fromkeys([fleet.spine, *(view.dataset for view in views if isinstance(view, FeatureView))]))
