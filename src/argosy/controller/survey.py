"""Taking a snapshot of a home: what is wanted, what is true, and what waits outside to be taken in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import polars as pl
from sqlalchemy import Connection, func, select

from argosy.controller import libraries, supply
from argosy.controller.act.record import waiting
from argosy.controller.apply import Draft, foreseen
from argosy.controller.house import House
from argosy.controller.observe import FleetState, Snapshot, Wanted, kinds, table, wanted
from argosy.data.source import pending
from argosy.data.state import blocked, stale
from argosy.errors import ArgosyError
from argosy.spec.fleet import Fleet
from argosy.store import datasets, executions, schema, verdicts

_Offers = tuple[dict[str, tuple[str, ...]], dict[str, str]]
"""By dataset, what its source offers, or why it cannot be asked."""


def observe(house: House, now: datetime, offered: Mapping[str, tuple[str, ...]] | None = None) -> Snapshot:
    """A snapshot of everything that `plan` looks at: a constant number of queries per fleet and per dataset.

    `offered` is what sources were found to offer a moment ago: they are not asked again.
    """
    with house.store.read() as conn:
        asked = wanted(conn)
        return _snapshot(conn, house, asked, _pending(conn, house, asked, now, offered or {}), now)


def foresee(house: House, now: datetime, drafts: list[Draft], module: Path) -> Snapshot:
    """The snapshot that would follow if a project were applied: its declarations, and what is true now.

    The project's module was imported just now, so that its own functions are asked. Nothing is written.
    """
    with house.store.read() as conn:
        asked = foreseen(conn, drafts, module.stem)
        offers = _pending(conn, house, asked, now, {}, drafted=module)
        return _snapshot(conn, house, asked, offers, now, drafted=module)


def _snapshot(
    conn: Connection, house: House, asked: dict[tuple[str, str], Wanted], offers: _Offers, now: datetime,
    drafted: Path | None = None,
) -> Snapshot:  # fmt: skip
    sources, views, fleets = kinds(asked)
    offered, unreadable = offers
    versions = datasets.latest(conn)
    empty = [name for name in sources if name not in versions]
    return Snapshot(
        wanted=asked,
        versions=versions,
        fleets={name: _fleet(conn, house, fleet, asked["fleet", name]) for name, fleet in fleets.items()},
        pending=offered,
        blocked=blocked(conn, tuple(sources)) | unreadable,
        lacks={name: str(lack) for name, lack in supply.lacks(conn, asked, empty, versions, drafted).items()},
        materialised=_materialised(conn, {name: asked["feature_view", name] for name in views}),
        stale=stale(conn, tuple(sources.values()), now),
    )


def _pending(
    conn: Connection, house: House, asked: dict[tuple[str, str], Wanted], now: datetime,
    known: Mapping[str, tuple[str, ...]], drafted: Path | None = None,
) -> _Offers:  # fmt: skip
    """What each source offers; one that cannot be asked blocks its own dataset, with the reason, and no other.

    Those that are `known` are not asked. The module of a project that is `drafted` was imported already.
    """
    offered, unreadable, roots = dict[str, tuple[str, ...]](), dict[str, str](), dict[str, Path]()
    for name, dataset in kinds(asked)[0].items():
        given = asked["dataset", name]
        if name in known:
            offered[name] = known[name]
            continue
        try:
            if drafted is None or given.project != drafted.stem:
                house.functions(given)
            if given.project not in roots:
                roots[given.project] = supply.root(conn, given, drafted)
            offered[name] = pending(conn, dataset, roots[given.project], now)
        except (ArgosyError, OSError) as error:
            unreadable[name] = f"its source cannot be asked: {error}"
    return offered, unreadable


def _fleet(conn: Connection, house: House, fleet: Fleet, given: Wanted) -> FleetState:
    last = _last(conn, f"watch:{fleet.name}")
    return FleetState(
        fleet=fleet,
        revision=given.revision,
        table=table(conn, fleet.name),
        undecided=verdicts.undecided(conn, fleet.name, fleet.approval),
        segments=len(waiting(house.places.segments, fleet.name)),
        watched=last.key if last else None,
        watched_at=last.ended_at if last else None,
        libraries=libraries.known(conn, fleet.name),
        installed=libraries.installed(given.packages),
    )


def _materialised(conn: Connection, views: dict[str, Wanted]) -> dict[str, int]:
    """Up to which version of its dataset each view was computed under its present code; one query."""
    c = schema.execution.c
    last = select(func.max(c.id)).where(c.kind == "materialise").group_by(c.subject)
    found = {}
    for parameters in conn.execute(select(c.parameters).where(c.id.in_(last))).scalars():
        name = parameters["view"]
        if name in views and views[name].fingerprint == parameters["fingerprint"]:
            found[name] = int(parameters["version"])
    return found


def _last(conn: Connection, subject: str) -> executions.Execution | None:
    return next(iter(executions.of_subject(conn, subject, limit=1)), None)


def member_row(snapshot: Snapshot, fleet: str, key: str) -> dict[str, object] | None:
    """A member's row of the table, by its key."""
    found = snapshot.fleets[fleet].table.filter(pl.col("key") == key)
    return found.row(0, named=True) if found.height else None
