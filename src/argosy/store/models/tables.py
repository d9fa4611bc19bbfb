"""The tables of models that clients log and register by name.

What each is now, kept in the same transaction as `change`, which tells who changed what. Members of fleets are
registered models too, by their addresses; they have no row here.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, Table, UniqueConstraint

from argosy.store import columns
from argosy.store.codec import Identity, Name
from argosy.store.metadata import metadata

registered = Table(
    "registered",
    metadata,
    columns.id(),
    columns.text("name"),
    columns.text("description"),
    columns.at(),
    columns.at("updated_at"),
    columns.at("deleted_at", optional=True),
    columns.text("actor"),
    columns.count("versions"),
    Index(None, "updated_at"),
)
"""A registered model; `versions` is the number of its last version."""
Index("ix_registered_name", registered.c.name, sqlite_where=registered.c.deleted_at.is_(None), unique=True)
# On PostgreSQL it is partial as well, as its migration says: the name of what was deleted is free.

registered_version = Table(
    "registered_version",
    metadata,
    columns.id(),
    columns.to("model_id", "registered.id"),
    Column("number", Integer, nullable=False),
    columns.text("description"),
    columns.text("source"),
    columns.text("location", optional=True),
    columns.text("run", optional=True),
    columns.text("logged", optional=True),
    columns.text("stage"),
    columns.text("owner"),
    columns.at(),
    columns.at("updated_at"),
    columns.at("deleted_at", optional=True),
    columns.text("actor"),
    UniqueConstraint("model_id", "number"),
    Index(None, "model_id", "stage", "number"),
    Index(None, "model_id", "updated_at"),
    Index(None, "run"),
    Index(None, "updated_at"),
)
"""A version of a registered model: `run` and `logged` name the run and the logged model that it came from.

Its files lie at `location`, which is where `source` pointed to when it was registered; None: `source` says where.
"""

registered_alias = Table(
    "registered_alias",
    metadata,
    Column("model_id", Identity, ForeignKey("registered.id"), primary_key=True, autoincrement=False),
    Column("alias", Name, primary_key=True),
    Column("number", Integer, nullable=False),
    columns.at(),
    columns.text("actor"),
    sqlite_with_rowid=False,
)
"""An alias of a registered model, and the number of the version that it points at."""

logged = Table(
    "logged",
    metadata,
    columns.id(),
    columns.text("model"),
    columns.to("experiment_id", "experiment.id"),
    columns.text("name"),
    columns.text("type"),
    columns.text("status"),
    columns.text("run", optional=True),
    columns.at(),
    columns.at("updated_at"),
    columns.at("deleted_at", optional=True),
    columns.text("actor"),
    columns.json("parameters"),
    UniqueConstraint("model"),
    Index(None, "experiment_id", "at"),
    Index(None, "run"),
)
"""A logged model: `model` is the name that programs call it by, `m-` and 32 hex digits."""

logged_metric = Table(
    "logged_metric",
    metadata,
    Column("logged_id", Identity, ForeignKey("logged.id"), primary_key=True, autoincrement=False),
    Column("key", Name, primary_key=True),
    Column("run", Name, primary_key=True),
    Column("dataset", Name, primary_key=True),
    Column("digest", Name, primary_key=True),
    Column("step", BigInteger, primary_key=True, autoincrement=False),
    Column("at_ms", BigInteger, primary_key=True, autoincrement=False),
    columns.number("value"),
    sqlite_with_rowid=False,
)
"""A value of a metric of a logged model on a dataset ("" for none), by the run that logged it. NaN is NULL."""

logged_flow = Table(
    "logged_flow",
    metadata,
    Column("run_id", Identity, ForeignKey("tracked.id"), primary_key=True, autoincrement=False),
    Column("direction", Name, primary_key=True),
    Column("model", Name, primary_key=True),
    columns.count("step"),
    Index(None, "model"),
    sqlite_with_rowid=False,
)
"""That a run read ("in") or made ("out") a logged model."""
