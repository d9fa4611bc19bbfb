"""Intake: why datasets stand as they do, and what of them keeps a fleet waiting."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from argosy.controller import plan as planning
from argosy.controller import supply
from argosy.controller.observe import FleetState, Snapshot
from argosy.controller.standing import reads
from argosy.controller.topic import Topic, Why
from argosy.registry.address import Address
from argosy.spec.quantity import plural
from argosy.store import datasets, findings


def dataset(
    conn: Connection, snapshot: Snapshot, asked: Address, version: datasets.Version | None, now: datetime
) -> Why:
    """Why a dataset stands as it does: its version, what its contract found, its source, what keeps it back."""
    name = asked.fleet
    waiting = [s.fleet.name for s in snapshot.fleets.values() if name in reads(s.fleet, snapshot.wanted)]
    read_by = f"read by {', '.join(waiting)}" if waiting else "no fleet reads it"
    pending = snapshot.pending.get(name, ())
    lack = supply.lacks(conn, snapshot.wanted, [name], snapshot.versions).get(name)
    offers = [f"{len(pending)} new to take in"] * bool(pending) + ([lack.says] if lack else [])
    details = (*pending[:10], *([f"next: {lack.next}"] if lack else []))
    topics = [Topic("Source", "; ".join(offers) or "nothing new", details)]
    summary = f"no version yet{f': {lack.says}' if lack else ''}; {read_by}"
    if version is not None:
        found = findings.of(conn, name, version.number)
        summary = f"version {version.number} with {plural(version.rows, 'row')}; {read_by}"
        says = f"version {version.number} added {plural(version.added, 'row')}: {version.cause}"
        topics.insert(0, Topic("Version", says, evidence={"version": f"{name}@{version.number}"}))
        told = tuple(f"{f.severity}, {f.rule}: {f.message} -> {f.outcome}" for f in found)
        topics.insert(1, Topic("Contract", plural(len(found), "finding") if found else "nothing was found amiss", told))
    if name in snapshot.stale:
        topics.append(Topic("Freshness", f"stale: {snapshot.stale[name].says}; its rows are used as they are"))
        summary = f"stale: {summary}"
    stopped = snapshot.blocked.get(name)
    if stopped:
        topics.append(Topic("Blocked", stopped, tuple(f"{each} waits for it" for each in waiting)))
        summary = f"blocked: {stopped}"
    return Why(str(asked), "dataset", now, summary, tuple(topics))


def data(snapshot: Snapshot, state: FleetState) -> Topic:
    """The datasets that a fleet reads, and which of them keep it waiting."""
    lines, bad = [], 0
    for name in reads(state.fleet, snapshot.wanted):
        version = snapshot.versions.get(name)
        stopped = snapshot.blocked.get(name)
        empty = f"empty, {snapshot.lacks[name]}" if name in snapshot.lacks else "empty"
        old = f", stale: {snapshot.stale[name].says}" if name in snapshot.stale else ""
        there = f"@{version.number}{old}" if version else empty
        lines.append(f"{name}: " + (f"blocked, {stopped}" if stopped else there))
        bad += bool(stopped) or version is None
    spine = snapshot.versions.get(state.fleet.spine)
    if spine is not None and (absent := planning.lacking(state.fleet, spine)):
        lines.append(absent)
        bad += state.fleet.spine not in snapshot.blocked
    return Topic("Data", f"it waits for {plural(bad, 'dataset')}" if bad else "all there", tuple(lines))
