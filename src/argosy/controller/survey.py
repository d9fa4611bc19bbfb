"""Taking a snapshot of a home: what is wanted, what is true, and what waits outside to be taken in."""

from __future__ import annotations

from collections.abc import Container, Mapping
from datetime import datetime
from pathlib import Path

import msgspec
import polars as pl
from sqlalchemy import Connection

from argosy.controller import apply as applying
from argosy.controller import computed, libraries, supply
from argosy.controller.act.record import waiting
from argosy.controller.apply import Draft, foreseen
from argosy.controller.house import House
from argosy.controller.observe import FleetState, Snapshot, table
from argosy.controller.wanted import Wanted, kinds, wanted
from argosy.data.source import Pending, past, pending
from argosy.data.state import blocked, stale
from argosy.errors import ArgosyError
from argosy.spec.fleet import Fleet
from argosy.store import datasets, executions, verdicts


class _Look(msgspec.Struct, frozen=True):
    """By dataset, what its source offers and why it matches no file, or why it cannot be looked at.

    `unmatched` is None where no source was asked.
    """

    pending: dict[str, tuple[str, ...]] = {}
    unmatched: dict[str, tuple[str, str]] | None = None
    unreadable: dict[str, str] = {}


def observe(house: House, now: datetime, before: Snapshot | None = None, anew: Container[str] = ()) -> Snapshot:
    """A snapshot of everything that `plan` looks at: a constant number of queries per fleet, and per dataset none but
    of whether files that are new here were taken in.

    `before` is one of a moment ago: the sources that it looked at are not looked at again, but for those `anew`.
    """
    with house.store.read() as conn:
        asked = wanted(conn)
        known = (
            {}
            if before is None
            else {
                name: Pending(labels, before.unmatched.get(name))
                for name, labels in before.pending.items()
                if name not in anew
            }
        )
        return _snapshot(conn, house.places.segments, asked, _look(conn, house, asked, now, known), now)


def foresee(house: House, now: datetime, drafts: list[Draft], module: Path) -> Snapshot:
    """The snapshot that would follow if a project were applied: its declarations, and what is true now.

    The project's module was imported just now, so that its own functions are asked. Nothing is written.
    """
    with house.store.read() as conn:
        asked = foreseen(conn, drafts, module.stem)
        look = _look(conn, house, asked, now, {}, drafted=module)
        return _snapshot(conn, house.places.segments, asked, look, now)


def glance(conn: Connection, now: datetime) -> Snapshot:
    """What `observe` sees, but for what sources and inference servers offer: nobody is asked, no code is run."""
    return _snapshot(conn, None, wanted(conn), _Look(), now)


def _snapshot(
    conn: Connection, segments: Path | None, asked: dict[tuple[str, str], Wanted], look: _Look, now: datetime
) -> Snapshot:  # fmt: skip
    sources, views, fleets = kinds(asked)
    seen = computed.read(conn, {name: asked["feature_view", name] for name in views})
    versions = datasets.latest(conn)
    empty = [name for name in sources if name not in versions]
    return Snapshot(
        wanted=asked,
        versions=versions,
        fleets={name: _fleet(conn, segments, fleet, asked["fleet", name]) for name, fleet in fleets.items()},
        pending=look.pending,
        unmatched=look.unmatched or {},
        blocked=blocked(conn, tuple(sources)) | look.unreadable,
        lacks={name: str(lack) for name, lack in supply.lacks(conn, asked, empty, versions, look.unmatched).items()},
        materialised=seen.materialised,
        outdated=seen.outdated,
        failed=seen.failed,
        stale=stale(conn, tuple(sources.values()), now),
    )


def _look(
    conn: Connection, house: House, asked: dict[tuple[str, str], Wanted], now: datetime,
    known: Mapping[str, Pending], drafted: Path | None = None,
) -> _Look:  # fmt: skip
    """What each source offers; one that cannot be asked blocks its own dataset, with the reason, and no other.

    Those that are `known` are not looked at. The module of a project that is `drafted` was imported already, and its
    sources lie beside it.
    """
    sources, unreadable = kinds(asked)[0], dict[str, str]()
    found = {name: known[name] for name in sources if name in known}
    rest = {name: each for name, each in sources.items() if name not in known}
    if rest:
        roots = applying.roots(conn, {asked["dataset", name].project for name in rest})
        if drafted is not None:
            roots[drafted.stem] = drafted.parent
        facts = past(conn, tuple(rest.values()), now)
    for name, dataset in rest.items():
        given = asked["dataset", name]
        try:
            if drafted is None or given.project != drafted.stem:
                house.functions(given)
            root = roots.get(given.project) or applying.root(conn, given.project)
            found[name] = pending(conn, dataset, root, facts)
        except (ArgosyError, OSError) as error:
            unreadable[name] = f"its source cannot be asked: {error}"
    unmatched = {name: each.unmatched for name, each in found.items() if each.unmatched is not None}
    return _Look({name: each.labels for name, each in found.items()}, unmatched, unreadable)


def _fleet(conn: Connection, segments: Path | None, fleet: Fleet, given: Wanted) -> FleetState:
    last = _last(conn, f"watch:{fleet.name}")
    return FleetState(
        fleet=fleet,
        revision=given.revision,
        table=table(conn, fleet.name),
        undecided=verdicts.undecided(conn, fleet.name, fleet.approval),
        segments=len(waiting(segments, fleet.name)) if segments is not None else 0,
        watched=last.key if last else None,
        watched_at=last.ended_at if last else None,
        libraries=libraries.known(conn, fleet.name),
        installed=libraries.installed(given.packages),
    )


def _last(conn: Connection, subject: str) -> executions.Execution | None:
    return next(iter(executions.of_subject(conn, subject, limit=1)), None)


def member_row(snapshot: Snapshot, fleet: str, key: str) -> dict[str, object] | None:
    """A member's row of the table, by its key."""
    found = snapshot.fleets[fleet].table.filter(pl.col("key") == key)
    return found.row(0, named=True) if found.height else None
