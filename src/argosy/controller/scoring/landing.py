"""Scored rows as one version of a dataset, exactly once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import polars as pl
from sqlalchemy import Connection

from argosy.controller.scoring.chunk import AT
from argosy.controller.scoring.job import Job
from argosy.controller.wanted import kinds, wanted
from argosy.data.read import append
from argosy.errors import ConflictError
from argosy.spec import check
from argosy.store import Store, datasets, executions
from argosy.store.datasets import Version
from argosy.store.executions import NewExecution

PREDICT = "predict"
"""The kind of an execution that scored rows into a dataset."""


def allowed(conn: Connection, dataset: str) -> None:
    """Raise DeclarationError for what is no name, ConflictError for a dataset that something else fills."""
    check.name("--to dataset", dataset)
    declared, _, _ = kinds(wanted(conn))
    last = datasets.version(conn, dataset)
    made = executions.get(conn, [last.execution_id or 0]).values() if last is not None else ()
    if dataset in declared or (last is not None and [each.kind for each in made] != [PREDICT]):
        raise ConflictError(
            f"dataset {dataset} is filled by something else than predictions", next="choose another name"
        )


def landed(conn: Connection, dataset: str, job: Job) -> Version | None:
    """The latest version of the dataset if the rows of a job, answered alike, are in it already; else None."""
    if not datasets.ingested(conn, dataset, [_source(job)]):
        return None
    return datasets.version(conn, dataset)


def land(
    store: Store, dataset: str, fleet: str, job: Job, read: Sequence[tuple[str, str]], run: NewExecution
) -> Version:  # fmt: skip
    """Commit what a job answered, with the execution `run` that did it, and what it `read`, by kind and reference.

    One transaction: all rows or none. Raises ConflictError where they are in already.
    """
    rows = (pl.read_parquet(each.path, glob=False) for each in job.chunks)
    return append(
        store, dataset, rows, time=AT, sources=[_source(job)], now=run.ended_at, cause=f"predictions of {fleet}",
        actor=run.parameters["actor"], execution=run, inputs=list(dict.fromkeys(read)),
    )  # fmt: skip


def execution(
    fleet: str, job: Job, started: datetime, ended: datetime, actor: str, costs: dict[str, float]
) -> NewExecution:
    """The run of a job, as it is recorded; `costs` are its CPU and wall seconds."""
    return NewExecution(
        key=job.key, kind=PREDICT, subject=fleet, started_at=started, ended_at=ended, parameters={"actor": actor},
        metrics={"rows": job.rows}, cpu_s=costs["cpu"], wall_s=costs["wall"],
    )  # fmt: skip


def _source(job: Job) -> str:
    return f"{PREDICT}:{job.key}"
