"""Committing: a judged batch, and everything that refers to it, in one transaction."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec
import polars as pl
from sqlalchemy import Connection

from argosy.data import dtype, ledger, part, problem, read
from argosy.data.batch import Batch
from argosy.data.load import Load
from argosy.data.part import Layout
from argosy.data.profile import profile
from argosy.data.source import INGEST
from argosy.data.state import REJECTED, Before, Refused, remedy
from argosy.spec.dataset import Dataset
from argosy.spec.quantity import plural
from argosy.store import Store, contracts, datasets, edges, events, executions, findings, statistics
from argosy.store.datasets import QUARANTINE, ROWS, NewPart, NewVersion, Version

_WAITS = 64
"""Parts into which rows that are not known yet are split by their known time, so that few are rewritten a day."""


class Outcome(msgspec.Struct, frozen=True):
    """What an ingest did. `version` is None where it brought no version; `left` sources wait for the next ingest.

    `corrected` counts those of the `added` rows whose key was there; `later` the rows kept until they are known.
    `empty` names the sources that were there but hold no row.
    """

    status: Literal["accepted", "rejected", "nothing"]
    version: Version | None = None
    added: int = 0
    corrected: int = 0
    unchanged: int = 0
    quarantined: int = 0
    later: int = 0
    left: int = 0
    findings: tuple[findings.NewFinding, ...] = ()
    empty: tuple[str, ...] = ()

    def __str__(self) -> str:
        said = []
        if self.version:
            said = [f"{self.version.dataset}@{self.version.number}: {plural(self.added, 'row')} added", self._judged]
        counts = {"set aside": self.quarantined, "there already": self.unchanged, "known later": self.later}
        said += [f"{count:,} {word}" for word, count in counts.items() if count]
        said += [f"no row in {', '.join(self.empty[:3])}"] if self.empty else []
        return ", ".join(said) or "nothing new"

    @property
    def _judged(self) -> str:
        if self.status != "rejected" or self.version is None:
            return self.status
        why = "; ".join(each.message for each in self.findings if each.outcome == problem.FAILED)
        return f"rejected, because {why} ({remedy(self.version.dataset, self.version.number)})"


class Making(msgspec.Struct, frozen=True):
    """Who makes a version, when and why; `started` are the CPU and wall clocks of when the work began."""

    store: Store
    dataset: Dataset
    now: datetime
    actor: str
    bundle: str | None
    kind: str
    cause: str
    reason: str
    started: tuple[float, float]


def commit(making: Making, loads: Sequence[Load], batch: Batch, before: Before) -> Outcome:
    """Write the parts, then all facts at once. Raises `ConflictError` if another ingest was faster.

    Rows that the latest version was rejected with, and are rejected again for the same reasons, make no version.
    """
    keys = tuple(dict.fromkeys(key for given in loads for key in given.keys))
    parts = _parts(making, batch, keys)
    rows = batch.rows[0] if batch.rows and not batch.blocked else _none(batch)
    if again := batch.blocked and _refused(batch, parts) == before.refused:
        parts = [each for each in parts if each.purpose == ledger.WAITING]
    made = bool(batch.height or batch.aside.height) and not again
    body = profile(rows, before.statistics) if made else {}
    with making.store.write() as tx:
        run = _execution(tx, making, batch, keys)
        version, found = None, []
        if made:
            version = datasets.commit(tx, _version(making, batch, before, rows, keys, parts, run))
            statistics.add(tx, statistics.NewStatistic(dataset=version.dataset, number=version.number, body=body))
            _contract(tx, making, batch, before)
            found = [
                each.finding(version.dataset, version.number, making.now, making.dataset.tags)
                for each in batch.problems
            ]
            findings.add(tx, found)
        else:
            datasets.note(tx, making.dataset.name, keys, parts)
        _edges(tx, loads, before, run, version)
        empty = tuple(given.name for given in loads if given.rows.width and given.rows.is_empty())
        outcome = _outcome(batch, version, rows.height, found, empty)
        if made or keys:
            _event(tx, making, outcome, batch)
    return outcome


def _refused(batch: Batch, parts: Sequence[NewPart]) -> Refused:
    """What of a batch is kept out, and why."""
    why = frozenset(each.message for each in batch.problems if problem.blocks([each]))
    return Refused(frozenset(each.digest for each in parts if each.purpose == REJECTED), why)


def _parts(making: Making, batch: Batch, keys: tuple[str, ...]) -> list[NewPart]:
    blobs, layout = making.store.blobs, Layout.of(making.dataset)
    purpose = REJECTED if batch.blocked else ROWS
    distinct = bool(layout.key) and not batch.corrected
    parts = [
        each
        for rows in batch.rows
        for each in part.write(blobs, rows, layout, keys, purpose=purpose, distinct=distinct)
    ]
    parts += part.write(blobs, batch.aside, layout, keys, purpose=QUARANTINE)
    by_known = Layout(layout.knowing, layout.known, layout.key)
    later = batch.later.sort(layout.knowing, maintain_order=True) if batch.later.height else batch.later
    for rows in later.iter_slices(max(-(-later.height // _WAITS), 1000)):
        parts += part.write(blobs, rows, by_known, keys, purpose=ledger.WAITING)
    return parts


def _none(batch: Batch) -> pl.DataFrame:
    return pl.DataFrame(schema=dtype.parse_all(batch.terms.types))


def _version(
    making: Making,
    batch: Batch,
    before: Before,
    rows: pl.DataFrame,
    keys: tuple[str, ...],
    parts: list[NewPart],
    run: int,
) -> NewVersion:
    layout, last = Layout.of(making.dataset), before.version
    until = last.known_until if last else None
    columns = batch.terms.types or (last.columns if last else dtype.names(batch.rows[0].schema))
    return NewVersion(
        dataset=making.dataset.name,
        at=making.now,
        parts=parts,
        columns=columns,
        sources=keys,
        known_until=read.later(until, rows, layout.knowing) if rows.height else until,
        execution_id=run,
        cause=making.cause,
        after=before.number,
    )


def _contract(tx: Connection, making: Making, batch: Batch, before: Before) -> None:
    """Record the terms where they changed; those of a rejected batch are not in force."""
    body = batch.terms.body()
    if batch.blocked or (before.contract is not None and before.contract.body == body):
        return
    changes = [each.message for each in batch.problems if problem.evolves(each)]
    reason = "; ".join(changes) or ("declared anew" if before.contract else "inferred from the first rows")
    new = contracts.NewContract(
        dataset=making.dataset.name, body=body, at=making.now, actor=making.actor, reason=reason
    )
    contracts.add(tx, new)


def _execution(tx: Connection, making: Making, batch: Batch, keys: tuple[str, ...]) -> int:
    cpu, wall = making.started
    run = executions.NewExecution(
        key=hashlib.sha256("\n".join((making.dataset.name, *sorted(keys))).encode()).hexdigest(),
        kind=INGEST,
        subject=making.dataset.name,
        started_at=making.now,
        ended_at=making.now,
        outcome=executions.FAILED if batch.blocked else executions.SUCCEEDED,
        reason="; ".join(each.message for each in batch.problems if problem.blocks([each]))[:1000],
        cpu_s=time.process_time() - cpu,
        wall_s=time.perf_counter() - wall,
        metrics={"rows": batch.height, "quarantined": batch.aside.height, "later": batch.later.height},
        bundle=making.bundle,
    )
    return executions.record(tx, [run])[0]


def _edges(tx: Connection, loads: Sequence[Load], before: Before, run: int, version: Version | None) -> None:
    """What the rows came from, what they were checked against, and the version that they became."""
    read = [(each.kind, each.reference) for each in loads]
    read += [("dataset", target.shown) for target in before.targets if target.version and version]
    found = [edges.Edge(execution_id=run, direction=edges.IN, kind=kind, reference=name) for kind, name in read]
    if version is not None:
        made = f"{version.dataset}@{version.number}"
        found.append(edges.Edge(execution_id=run, direction=edges.OUT, kind="dataset", reference=made))
    edges.add(tx, list(dict.fromkeys(found)))


def _outcome(
    batch: Batch, version: Version | None, added: int, found: list[findings.NewFinding], empty: tuple[str, ...]
) -> Outcome:
    return Outcome(
        status="nothing" if version is None else "rejected" if batch.blocked else "accepted",
        version=version,
        added=added,
        corrected=0 if batch.blocked else batch.corrected,
        unchanged=batch.unchanged,
        quarantined=batch.aside.height,
        later=batch.later.height,
        findings=tuple(found),
        empty=empty,
    )


def _event(tx: Connection, making: Making, outcome: Outcome, batch: Batch) -> None:
    name = making.dataset.name
    subject = f"{name}@{outcome.version.number}" if outcome.version else name
    counts = {
        "added": outcome.added,
        "corrections": outcome.corrected,
        "there already": outcome.unchanged,
        "quarantined": outcome.quarantined,
        "known later": outcome.later,
        "rejected": batch.height if batch.blocked else 0,
    }
    words = ", ".join(f"{count:,} {word}" for word, count in counts.items() if count or word == "added")
    words += f", no row in {', '.join(outcome.empty[:3])}" if outcome.empty else ""
    why = "; ".join(each.message for each in batch.problems)
    message = f"{subject}: {words}" + (f" ({making.reason})" if making.reason else "") + (f": {why}" if why else "")
    kind = "dataset.rejected" if outcome.status == "rejected" else making.kind
    events.add(
        tx,
        [
            events.NewEvent(
                at=making.now, kind=kind, subject=name, actor=making.actor, message=message[:2000], body=counts
            )
        ],
    )
