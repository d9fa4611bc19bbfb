"""The tables of pipelines' runs: a run, its endings and calls, the calls at work, who has claimed what, and pauses.

That a run is at work is a live lease, `run/ID`; it is never stored.
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, LargeBinary, Table

from argosy.store import columns
from argosy.store.codec import Identity, Name
from argosy.store.metadata import metadata

run = Table(
    "run",
    metadata,
    columns.id(),
    columns.text("pipeline"),
    columns.text("key"),
    columns.to("bundle", "bundle.digest", optional=True),
    columns.json("parameters"),
    columns.json("inputs"),
    columns.json("body"),
    columns.text("cause"),
    columns.at("due_at", optional=True),
    columns.at(),
    columns.text("actor"),
    Index(None, "pipeline", "id"),
    Index(None, "key", "id"),
)

ending = Table(
    "ending",
    metadata,
    columns.id(),
    columns.to("run_id", "run.id"),
    columns.at(),
    columns.text("outcome"),
    columns.text("reason"),
    columns.text("actor"),
    columns.json("body"),
    Index(None, "run_id", "id"),
)

call = Table(
    "call",
    metadata,
    columns.id(),
    columns.to("run_id", "run.id"),
    columns.text("node"),
    Column("element", Integer, nullable=False),
    columns.text("state"),
    columns.to("execution_id", "execution.id", optional=True),
    columns.text("reason"),
    columns.at(),
    Index(None, "run_id", "node", "element", "id"),
    Index(None, "execution_id"),
)

claim = Table(
    "claim",
    metadata,
    Column("name", Name, primary_key=True),
    columns.to("run_id", "run.id"),
    Index(None, "run_id"),
    sqlite_with_rowid=False,
)

underway = Table(
    "underway",
    metadata,
    Column("run_id", Identity, ForeignKey("run.id"), primary_key=True, autoincrement=False),
    Column("node", Name, primary_key=True),
    Column("element", Integer, primary_key=True, autoincrement=False),
    columns.count("token"),
    columns.at("started_at"),
    columns.count("written"),
    Column("tail", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

pause = Table(
    "pause",
    metadata,
    columns.id(),
    columns.text("pipeline"),
    Column("paused", Boolean, nullable=False),
    columns.at(),
    columns.text("actor"),
    columns.text("reason"),
    Index(None, "pipeline", "id"),
)
