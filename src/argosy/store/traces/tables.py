"""The tables of traces. Tags of traces lie in `label`; files that clients put beside a trace lie in `file`."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Table, UniqueConstraint

from argosy.store import columns
from argosy.store.codec import Identity, Name
from argosy.store.metadata import metadata

trace = Table(
    "trace",
    metadata,
    columns.id(),
    columns.text("trace"),
    columns.to("experiment_id", "experiment.id"),
    columns.text("name", optional=True),
    columns.count("at_ms"),
    columns.count("took_ms", optional=True),
    columns.text("state"),
    columns.text("request", optional=True),
    columns.text("response", optional=True),
    columns.text("client", optional=True),
    columns.json("metadata"),
    Column("told", Boolean, nullable=False),
    Column("spanned", Boolean, nullable=False),
    columns.at(),
    columns.text("actor"),
    UniqueConstraint("trace"),
    Index(None, "experiment_id", "at_ms"),
)
"""A trace: `trace` is the name that programs call it by. It is `told` of by whoever made it, or made up of its spans;
it is `spanned` where spans of it are kept here."""


def _of_trace() -> Column[int]:
    return Column("trace_id", Identity, ForeignKey("trace.id"), primary_key=True, autoincrement=False)


trace_run = Table(
    "trace_run", metadata, _of_trace(), Column("run", Name, primary_key=True), Index(None, "run"),
    sqlite_with_rowid=False,
)  # fmt: skip
"""That a trace was made in a run, or is linked to it."""

span = Table(
    "span",
    metadata,
    _of_trace(),
    Column("span", Name, primary_key=True),
    columns.text("parent", optional=True),
    columns.text("name"),
    columns.text("type"),
    columns.text("status"),
    columns.count("start_ns"),
    columns.count("end_ns", optional=True),
    columns.json("body"),
    Index(None, "name"),
    sqlite_with_rowid=False,
)
"""A span of a trace; `body` is all of it, as OpenTelemetry has it in JSON."""

assessment = Table(
    "assessment",
    metadata,
    columns.id(),
    columns.text("assessment"),
    columns.to("trace_id", "trace.id"),
    columns.text("kind"),
    columns.text("name"),
    columns.text("value"),
    Column("valid", Boolean, nullable=False),
    columns.text("overrides", optional=True),
    columns.json("body"),
    columns.at(),
    columns.text("actor"),
    UniqueConstraint("assessment"),
    Index(None, "trace_id", "id"),
)
"""What somebody thinks of a trace; `value` is it as text, `body` all of it as the client says it."""
