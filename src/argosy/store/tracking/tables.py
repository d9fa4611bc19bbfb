"""The tables of experiments and of what is tracked in them.

Runs are projections: what a run is now, kept in the same transaction as `change`, which tells who changed what, when,
from what and to what. A tag or parameter bears who set it first, and when, as long as it is there: this needs no row.
Points of metrics are appended in blocks, never one row each; `metric` holds the last value of each key.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, LargeBinary, Table, UniqueConstraint

from argosy.store import columns
from argosy.store.codec import Identity, Name
from argosy.store.metadata import metadata

experiment = Table(
    "experiment",
    metadata,
    columns.id(),
    columns.text("name"),
    columns.text("location"),
    columns.at(),
    columns.at("updated_at"),
    columns.at("deleted_at", optional=True),
    columns.text("actor"),
)
Index("ix_experiment_name", experiment.c.name, sqlite_where=experiment.c.deleted_at.is_(None), unique=True)
# On PostgreSQL it is partial as well, as its migration says: the name of what was deleted is free.

tracked = Table(
    "tracked",
    metadata,
    columns.id(),
    columns.text("run"),
    columns.to("experiment_id", "experiment.id"),
    columns.text("name"),
    columns.text("owner"),
    columns.text("status"),
    columns.at("started_at"),
    columns.at("ended_at", optional=True),
    columns.at(),
    columns.at("deleted_at", optional=True),
    columns.text("actor"),
    columns.to("execution_id", "execution.id", optional=True),
    UniqueConstraint("run"),
    Index(None, "experiment_id", "started_at"),
    Index(None, "execution_id"),
    Index(None, "deleted_at"),
)
"""A run: `run` is the name that programs call it by, 32 hex digits."""


def _of_run() -> Column[int]:
    return Column("run_id", Identity, ForeignKey("tracked.id"), primary_key=True, autoincrement=False)


metric = Table(
    "metric",
    metadata,
    _of_run(),
    Column("key", Name, primary_key=True),
    columns.count("experiment_id"),
    columns.number("value"),
    columns.count("step"),
    columns.count("at_ms"),
    Index(None, "experiment_id", "key", "value", "run_id"),
    sqlite_with_rowid=False,
)
"""The last value of each metric: that of the largest step, then time, then value. NaN is NULL."""

block = Table(
    "block",
    metadata,
    columns.id(),
    columns.to("run_id", "tracked.id"),
    columns.count("points"),
    Column("data", LargeBinary, nullable=False),
    Index(None, "run_id", "id"),
)
"""Points of metrics, in the order they came; small blocks of a run are merged into larger ones."""

HEAD = 100
"""Characters of a text that an index holds: PostgreSQL takes no long ones."""

parameter = Table(
    "parameter",
    metadata,
    _of_run(),
    Column("key", Name, primary_key=True),
    columns.count("experiment_id"),
    columns.text("value"),
    columns.text("head"),
    columns.at(),
    columns.text("actor"),
    Index(None, "experiment_id", "key", "head"),
    sqlite_with_rowid=False,
)
tag = Table(
    "tag",
    metadata,
    _of_run(),
    Column("key", Name, primary_key=True),
    columns.count("experiment_id"),
    columns.text("value"),
    columns.text("head"),
    columns.at(),
    columns.text("actor"),
    Index(None, "experiment_id", "key", "head"),
    sqlite_with_rowid=False,
)
label = Table(
    "label",
    metadata,
    Column("kind", Name, primary_key=True),
    Column("entity", Name, primary_key=True),
    Column("key", Name, primary_key=True),
    columns.text("value"),
    columns.at(),
    columns.text("actor"),
    sqlite_with_rowid=False,
)
"""Tags of whatever is no run: experiments, registered models, their versions, logged models."""

data_source = Table(
    "data_source",
    metadata,
    columns.id(),
    columns.to("experiment_id", "experiment.id"),
    columns.text("name"),
    columns.text("digest"),
    columns.text("source_type"),
    columns.text("source"),
    columns.text("schema", optional=True),
    columns.text("profile", optional=True),
    UniqueConstraint("experiment_id", "name", "digest"),
)
"""A dataset as a client described it: by name and digest within an experiment."""

intake = Table(
    "intake",
    metadata,
    _of_run(),
    Column("source_id", Identity, ForeignKey("data_source.id"), primary_key=True, autoincrement=False),
    columns.json("tags"),
    Index(None, "source_id"),
    sqlite_with_rowid=False,
)
"""That a run read a dataset."""

file = Table(
    "file",
    metadata,
    Column("path", Name, primary_key=True),
    columns.to("digest", "artifact.digest"),
    columns.at(),
    columns.text("actor"),
    Index(None, "digest"),
    sqlite_with_rowid=False,
)
"""Where clients put artifacts: EXPERIMENT/RUN/artifacts/..., each the path of one artifact."""

orphan = Table(
    "orphan",
    metadata,
    Column("digest", Name, primary_key=True),
    columns.at(),
    sqlite_with_rowid=False,
)
"""Artifacts that a file was of and may be of none any more: whoever collects looks at these alone."""

change = Table(
    "change",
    metadata,
    columns.id(),
    columns.at(),
    columns.text("actor"),
    columns.text("kind"),
    columns.text("entity"),
    columns.text("field"),
    columns.text("before", optional=True),
    columns.text("after", optional=True),
    columns.text("reason"),
    Index(None, "kind", "entity", "id"),
)
"""Who changed a field of what, when, from what, to what and why; None is absent."""

absorbed = Table(
    "absorbed",
    metadata,
    Column("source", Name, primary_key=True),
    Column("last", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""Up to which id facts of a source are told of among the tracked runs."""
