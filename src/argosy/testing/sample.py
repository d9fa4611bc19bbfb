"""Small worlds to test a store with: a fleet whose members have versions, champions and a history."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from argosy.store import aliases, artifacts, datasets, edges, events, executions, members, verdicts, versions

EPOCH = datetime(2013, 1, 1, tzinfo=UTC)


def moment(hours: float = 0) -> datetime:
    """So many hours into 2013."""
    return EPOCH + timedelta(hours=hours)


def digest(text: str) -> str:
    """A content address."""
    return hashlib.sha256(text.encode()).hexdigest()


def event(message: str, subject: str = "flights") -> events.NewEvent:
    """That something was ingested."""
    return events.NewEvent(at=moment(), kind="ingested", subject=subject, actor="ann", message=message)


def part(name: str, *, rows: int = 10, purpose: str = "rows", low: float = 0, high: float = 24) -> datasets.NewPart:
    """A part whose rows lie between two hours of 2013."""
    return datasets.NewPart(
        digest=digest(name), rows=rows, bytes=rows * 8, low=moment(low), high=moment(high), purpose=purpose
    )


def ingest(dataset: str, *names: str, after: int | None = None) -> datasets.NewVersion:
    """One part of ten rows for each source name."""
    return datasets.NewVersion(
        dataset=dataset,
        at=moment(),
        parts=[part(f"{dataset}/{name}") for name in names],
        columns={"store": "String", "late": "Boolean", "distance": "Float64"},
        sources=names,
        after=after,
    )


def attempt(member: int, key: str, *, outcome: str = "succeeded", hours: float = 0) -> executions.NewExecution:
    """A run that was to make a version of a member."""
    return executions.NewExecution(
        key=digest(key),
        kind="train",
        subject=key,
        member_id=member,
        started_at=moment(hours),
        ended_at=moment(hours + 1),
        outcome=outcome,
        reason="" if outcome == "succeeded" else "one class",
        cpu_s=0.5,
        wall_s=1.0,
        metrics={"roc_auc": 0.7},
    )


def train(
    tx: Connection, fleet: str, keys: Sequence[str], *, hours: float = 0, promoted: bool = True
) -> list[versions.Version]:
    """A version for each key, with all that belongs to it, made champion if it is `promoted`."""
    ids = members.ensure(tx, fleet, keys, moment(hours))
    names = [f"{fleet}/{key}/{hours}" for key in keys]
    runs = executions.record(tx, [attempt(ids[key], name, hours=hours) for key, name in zip(keys, names, strict=True)])
    read = [("in", "dataset", "flights@1"), ("in", "dataset", "weather@1"), ("in", "bundle", "b")]
    flows = [(run, *flow) for run, name in zip(runs, names, strict=True) for flow in [*read, ("out", "version", name)]]
    edges.add(tx, [edges.Edge(execution_id=run, direction=d, kind=k, reference=r) for run, d, k, r in flows])
    artifacts.add(tx, [artifacts.Artifact(digest=digest(n), kind="model", bytes=5, at=moment(hours)) for n in names])
    made = versions.add(
        tx,
        [
            versions.NewVersion(
                fleet=fleet,
                member_id=ids[key],
                key=digest(name),
                artifact=digest(name),
                format="lightgbm",
                execution_id=run,
                at=moment(hours),
                rows=100,
            )
            for key, name, run in zip(keys, names, runs, strict=True)
        ],
    )
    verdicts.add(tx, [verdicts.NewVerdict(version_id=v.id, gate="roc_auc", passed=True, at=v.at) for v in made])
    aliases.move(tx, [promote(version) for version in made] if promoted else [])
    return made


def promote(version: versions.Version) -> aliases.Move:
    """Make a version the champion of its member."""
    return aliases.Move(
        fleet=version.fleet,
        member_id=version.member_id,
        alias="champion",
        target="own",
        version_id=version.id,
        at=version.at,
        actor="controller",
    )
