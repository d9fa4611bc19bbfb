"""The tables. Facts are appended, never changed; `lease`, `claim`, `underway`, `token.revoked_at` and
`current` are the exceptions.

Ids grow in commit order (there is one writer at a time), so "the latest" is the largest id and a
reader that remembers the last id it saw misses nothing.
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, LargeBinary, Table, UniqueConstraint

from argosy.store import columns
from argosy.store.codec import Identity, Name
from argosy.store.metadata import metadata
from argosy.store.models import tables as models
from argosy.store.steering import alias, rollout, rule
from argosy.store.traces import tables as traces
from argosy.store.tracking import tables as tracking
from argosy.store.undertaking import call, claim, ending, pause, run, underway

__all__ = [
    "alias", "call", "claim", "ending", "metadata", "models", "pause", "rollout", "rule", "run", "traces", "tracking",
    "underway",
]  # fmt: skip

bundle = Table(
    "bundle",
    metadata,
    Column("digest", Name, primary_key=True),
    columns.text("project"),
    columns.at(),
    columns.json("libraries"),
    columns.json("modules"),
    columns.text("actor"),
)
application = Table(
    "application", metadata, columns.id(), columns.to("bundle", "bundle.digest"), columns.text("project"),
    columns.at(), columns.text("actor"), columns.text("git_commit", optional=True),
    Column("dirty", Boolean, nullable=False), Index(None, "bundle", "id"), Index(None, "project", "id"),
)  # fmt: skip

declaration = Table(
    "declaration",
    metadata,
    columns.id(),
    columns.text("kind"),
    columns.text("name"),
    columns.to("bundle", "bundle.digest", optional=True),
    columns.text("fingerprint"),
    columns.json("body"),
    columns.at(),
    columns.text("actor"),
    columns.text("reason"),
    Column("removed", Boolean, nullable=False),
    Index(None, "kind", "name", "id"),
)

execution = Table(
    "execution",
    metadata,
    columns.id(),
    columns.text("key"),
    columns.text("kind"),
    columns.text("subject"),
    columns.to("member_id", "member.id", optional=True),
    columns.at("started_at"),
    columns.at("ended_at"),
    columns.text("outcome"),
    columns.text("reason"),
    columns.number("cpu_s"),
    columns.number("wall_s"),
    columns.count("peak_bytes", optional=True),
    columns.json("parameters"),
    columns.json("metrics"),
    columns.to("bundle", "bundle.digest", optional=True),
    columns.to("parent_id", "execution.id", optional=True),
    Index(None, "key"),
    Index(None, "kind", "id"),
    Index(None, "member_id", "id"),
    Index(None, "subject", "id"),
)

edge = Table(
    "edge",
    metadata,
    Column("execution_id", Identity, ForeignKey("execution.id"), primary_key=True, autoincrement=False),
    Column("direction", Name, primary_key=True),
    Column("kind", Name, primary_key=True),
    Column("reference", Name, primary_key=True),
    Index(None, "reference", "kind", "direction"),
    sqlite_with_rowid=False,
)

dataset_version = Table(
    "dataset_version",
    metadata,
    columns.id(),
    columns.text("dataset"),
    Column("number", Integer, nullable=False),
    columns.at(),
    columns.at("known_until", optional=True),
    columns.count("rows"),
    columns.count("added"),
    columns.json("columns"),
    columns.text("digest"),
    columns.to("execution_id", "execution.id", optional=True),
    columns.text("cause"),
    UniqueConstraint("dataset", "number"),
)

part = Table(
    "part",
    metadata,
    columns.id(),
    columns.text("dataset"),
    columns.text("purpose"),
    Column("from_version", Integer, nullable=False),
    columns.text("digest"),
    columns.count("rows"),
    columns.count("bytes"),
    columns.at("low", optional=True),
    columns.at("high", optional=True),
    columns.json("source"),
    Index(None, "dataset", "purpose", "from_version"),
)

ingested = Table(
    "ingested",
    metadata,
    Column("dataset", Name, primary_key=True),
    Column("source_key", Name, primary_key=True),
    Column("version", Integer, nullable=False),
    sqlite_with_rowid=False,
)

statistic = Table(
    "statistic",
    metadata,
    columns.id(),
    columns.text("dataset"),
    Column("number", Integer, nullable=False),
    columns.json("body"),
    Index(None, "dataset", "number", "id"),
)

contract = Table(
    "contract",
    metadata,
    columns.id(),
    columns.text("dataset"),
    Column("number", Integer, nullable=False),
    columns.json("body"),
    columns.at(),
    columns.text("actor"),
    columns.text("reason"),
    UniqueConstraint("dataset", "number"),
)

finding = Table(
    "finding",
    metadata,
    columns.id(),
    columns.text("dataset"),
    Column("version", Integer, nullable=False),
    columns.text("rule"),
    columns.text("column", optional=True),
    columns.text("severity"),
    columns.text("outcome"),
    columns.count("rows"),
    columns.json("examples"),
    columns.text("message"),
    columns.at(),
    Index(None, "dataset", "version", "id"),
)

artifact = Table(
    "artifact",
    metadata,
    Column("digest", Name, primary_key=True),
    columns.text("kind"),
    columns.count("bytes"),
    columns.text("pack", optional=True),
    columns.count("start"),
    columns.at(),
    Column("data", LargeBinary, nullable=True),
    columns.json("body", optional=True),
)

member = Table(
    "member",
    metadata,
    columns.id(),
    columns.text("fleet"),
    columns.text("key"),
    columns.at(),
    UniqueConstraint("fleet", "key"),
)

version = Table(
    "version",
    metadata,
    columns.id(),
    columns.text("fleet"),
    columns.to("member_id", "member.id"),
    Column("number", Integer, nullable=False),
    columns.text("key"),
    columns.to("artifact", "artifact.digest"),
    columns.text("format"),
    columns.text("signature", optional=True),
    columns.to("execution_id", "execution.id"),
    columns.at(),
    columns.count("rows"),
    columns.at("span_low", optional=True),
    columns.at("span_high", optional=True),
    columns.json("metrics"),
    columns.json("body"),
    UniqueConstraint("member_id", "number"),
    Index(None, "fleet", "id"),
)

verdict = Table(
    "verdict",
    metadata,
    columns.id(),
    columns.to("version_id", "version.id"),
    columns.text("gate"),
    Column("passed", Boolean, nullable=True),
    columns.at(),
    columns.json("evidence"),
    columns.text("message"),
    Index(None, "version_id", "gate", "id"),
)
Index("ix_verdict_undecided", verdict.c.version_id, sqlite_where=verdict.c.passed.is_(None))
# On PostgreSQL it is partial as well, as its migration says: to say it here would load that dialect, in 0.06 s.

approval = Table(
    "approval",
    metadata,
    columns.id(),
    columns.to("version_id", "version.id"),
    Column("granted", Boolean, nullable=False),
    columns.at(),
    columns.text("actor"),
    columns.text("reason"),
    Index(None, "version_id", "id"),
)

window = Table(
    "window",
    metadata,
    columns.id(),
    columns.text("fleet"),
    columns.at("start"),
    columns.at("stop"),
    columns.text("kind"),
    columns.text("digest"),
    columns.count("rows"),
    columns.at(),
    Column("dataset_version", Integer, nullable=False),
    UniqueConstraint("fleet", "kind", "start", "stop", "dataset_version"),
)

signal = Table(
    "signal",
    metadata,
    columns.id(),
    columns.text("fleet"),
    columns.to("member_id", "member.id"),
    columns.text("name"),
    columns.number("value"),
    columns.at(),
    columns.json("body", optional=True),
    Index(None, "member_id", "name", "id"),
)

alert = Table(
    "alert",
    metadata,
    columns.id(),
    columns.text("fleet"),
    columns.to("member_id", "member.id", optional=True),
    columns.text("name"),
    columns.text("cause"),
    columns.text("state"),
    columns.number("value"),
    columns.number("limit_value"),
    columns.at(),
    columns.text("message"),
    columns.json("body"),
    Index(None, "fleet", "name", "member_id", "id"),
)

decision = Table(
    "decision",
    metadata,
    columns.id(),
    columns.text("fleet"),
    columns.to("member_id", "member.id", optional=True),
    columns.text("action"),
    columns.at(),
    columns.text("reason"),
    columns.json("body"),
    Index(None, "fleet", "id"),
    Index(None, "member_id", "id"),
)

event = Table(
    "event",
    metadata,
    columns.id(),
    columns.at(),
    columns.text("kind"),
    columns.text("subject"),
    columns.text("actor"),
    columns.text("message"),
    columns.json("body"),
    Index(None, "subject", "id"),
)

lease = Table(
    "lease",
    metadata,
    Column("name", Name, primary_key=True),
    columns.text("owner"),
    columns.count("token"),
    columns.at("expires_at"),
)

token = Table(
    "token",
    metadata,
    Column("digest", Name, primary_key=True),
    columns.text("name"),
    columns.text("role"),
    columns.at(),
    columns.at("expires_at", optional=True),
    columns.at("revoked_at", optional=True),
)

current = Table(
    "current",
    metadata,
    Column("member_id", Identity, ForeignKey("member.id"), primary_key=True, autoincrement=False),
    columns.text("fleet"),
    columns.text("key"),
    columns.count("version_id", optional=True),
    Column("version_number", Integer, nullable=True),
    columns.at("version_at", optional=True),
    columns.count("version_rows", optional=True),
    columns.text("version_key", optional=True),
    columns.text("version_signature", optional=True),
    columns.text("target", optional=True),
    columns.count("champion_id", optional=True),
    Column("champion_number", Integer, nullable=True),
    columns.at("champion_since", optional=True),
    columns.count("challenger_id", optional=True),
    columns.count("rollout_id", optional=True),
    columns.count("rollout_version_id", optional=True),
    columns.text("rollout_kind", optional=True),
    columns.text("rollout_state", optional=True),
    columns.number("rollout_share"),
    columns.at("rollout_at", optional=True),
    columns.count("execution_id", optional=True),
    columns.text("execution_key", optional=True),
    columns.text("execution_outcome", optional=True),
    columns.text("execution_reason", optional=True),
    columns.at("execution_at", optional=True),
    Column("failures", Integer, nullable=False),
    columns.json("signals"),
    Index(None, "fleet", "key"),
)
"""Projection: one row per member, what is true now; kept in the same transaction as the facts it sums up."""
