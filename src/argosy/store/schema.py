"""The tables. Facts are appended, never changed; `lease`, `token.revoked_at` and `current` are the exceptions.

Ids grow in commit order (there is one writer at a time), so "the latest" is the largest id and a
reader that remembers the last id it saw misses nothing.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, MetaData, Table, UniqueConstraint

from argosy.store.codec import Identity, Instant, Json, Name, Number

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _id() -> Column[int]:
    return Column("id", Identity, primary_key=True, autoincrement=False)


def _text(name: str, *, optional: bool = False) -> Column[str]:
    return Column(name, Name, nullable=optional)


def _count(name: str, *, optional: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=optional)


def _number(name: str) -> Column[float]:
    return Column(name, Number, nullable=True)


def _at(name: str = "at", *, optional: bool = False) -> Column[Any]:
    return Column(name, Instant, nullable=optional)


def _json(name: str, *, optional: bool = False) -> Column[Any]:
    return Column(name, Json, nullable=optional)


def _to(name: str, target: str, *, optional: bool = False) -> Column[Any]:
    kind = Name if target.endswith(".digest") else Identity
    return Column(name, kind, ForeignKey(target), nullable=optional)


bundle = Table(
    "bundle",
    metadata,
    Column("digest", Name, primary_key=True),
    _text("project"),
    _at(),
    _text("git_commit", optional=True),
    Column("dirty", Boolean, nullable=False),
    _json("libraries"),
    _json("modules"),
    _text("actor"),
)

declaration = Table(
    "declaration",
    metadata,
    _id(),
    _text("kind"),
    _text("name"),
    _to("bundle", "bundle.digest", optional=True),
    _text("fingerprint"),
    _json("body"),
    _at(),
    _text("actor"),
    _text("reason"),
    Column("removed", Boolean, nullable=False),
    Index(None, "kind", "name", "id"),
)

execution = Table(
    "execution",
    metadata,
    _id(),
    _text("key"),
    _text("kind"),
    _text("subject"),
    _to("member_id", "member.id", optional=True),
    _at("started_at"),
    _at("ended_at"),
    _text("outcome"),
    _text("reason"),
    _number("cpu_s"),
    _number("wall_s"),
    _count("peak_bytes", optional=True),
    _json("parameters"),
    _json("metrics"),
    _to("bundle", "bundle.digest", optional=True),
    _to("parent_id", "execution.id", optional=True),
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
    _id(),
    _text("dataset"),
    Column("number", Integer, nullable=False),
    _at(),
    _at("known_until", optional=True),
    _count("rows"),
    _count("added"),
    _json("columns"),
    _text("digest"),
    _to("execution_id", "execution.id", optional=True),
    _text("cause"),
    UniqueConstraint("dataset", "number"),
)

part = Table(
    "part",
    metadata,
    _id(),
    _text("dataset"),
    _text("purpose"),
    Column("from_version", Integer, nullable=False),
    _text("digest"),
    _count("rows"),
    _count("bytes"),
    _at("low", optional=True),
    _at("high", optional=True),
    _json("source"),
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
    _id(),
    _text("dataset"),
    Column("number", Integer, nullable=False),
    _json("body"),
    Index(None, "dataset", "number", "id"),
)

contract = Table(
    "contract",
    metadata,
    _id(),
    _text("dataset"),
    Column("number", Integer, nullable=False),
    _json("body"),
    _at(),
    _text("actor"),
    _text("reason"),
    UniqueConstraint("dataset", "number"),
)

finding = Table(
    "finding",
    metadata,
    _id(),
    _text("dataset"),
    Column("version", Integer, nullable=False),
    _text("rule"),
    _text("column", optional=True),
    _text("severity"),
    _text("outcome"),
    _count("rows"),
    _json("examples"),
    _text("message"),
    _at(),
    Index(None, "dataset", "version", "id"),
)

artifact = Table(
    "artifact",
    metadata,
    Column("digest", Name, primary_key=True),
    _text("kind"),
    _count("bytes"),
    _text("pack", optional=True),
    _count("start"),
    _at(),
)

member = Table(
    "member",
    metadata,
    _id(),
    _text("fleet"),
    _text("key"),
    _at(),
    UniqueConstraint("fleet", "key"),
)

version = Table(
    "version",
    metadata,
    _id(),
    _text("fleet"),
    _to("member_id", "member.id"),
    Column("number", Integer, nullable=False),
    _text("key"),
    _to("artifact", "artifact.digest"),
    _text("format"),
    _text("signature", optional=True),
    _to("execution_id", "execution.id"),
    _at(),
    _count("rows"),
    _at("span_low", optional=True),
    _at("span_high", optional=True),
    _json("metrics"),
    _json("body"),
    UniqueConstraint("member_id", "number"),
    Index(None, "fleet", "id"),
)

verdict = Table(
    "verdict",
    metadata,
    _id(),
    _to("version_id", "version.id"),
    _text("gate"),
    Column("passed", Boolean, nullable=True),
    _at(),
    _json("evidence"),
    _text("message"),
    Index(None, "version_id", "gate", "id"),
)

approval = Table(
    "approval",
    metadata,
    _id(),
    _to("version_id", "version.id"),
    Column("granted", Boolean, nullable=False),
    _at(),
    _text("actor"),
    _text("reason"),
    Index(None, "version_id", "id"),
)

alias = Table(
    "alias",
    metadata,
    _id(),
    _text("fleet"),
    _to("member_id", "member.id"),
    _text("alias"),
    _to("version_id", "version.id", optional=True),
    _text("target"),
    _at(),
    _text("actor"),
    _text("reason"),
    Index(None, "member_id", "alias", "id"),
)

rollout = Table(
    "rollout",
    metadata,
    _id(),
    _text("fleet"),
    _to("member_id", "member.id"),
    _to("version_id", "version.id"),
    _text("kind"),
    _text("state"),
    _number("share"),
    _at(),
    _text("reason"),
    _json("evidence"),
    Index(None, "member_id", "id"),
)

window = Table(
    "window",
    metadata,
    _id(),
    _text("fleet"),
    _at("start"),
    _at("stop"),
    _text("kind"),
    _text("digest"),
    _count("rows"),
    _at(),
    Column("dataset_version", Integer, nullable=False),
    UniqueConstraint("fleet", "kind", "start", "stop", "dataset_version"),
)

signal = Table(
    "signal",
    metadata,
    _id(),
    _text("fleet"),
    _to("member_id", "member.id"),
    _text("name"),
    _number("value"),
    _at(),
    _json("body", optional=True),
    Index(None, "member_id", "name", "id"),
)

alert = Table(
    "alert",
    metadata,
    _id(),
    _text("fleet"),
    _to("member_id", "member.id", optional=True),
    _text("name"),
    _text("cause"),
    _text("state"),
    _number("value"),
    _number("limit_value"),
    _at(),
    _text("message"),
    _json("body"),
    Index(None, "fleet", "name", "member_id", "id"),
)

decision = Table(
    "decision",
    metadata,
    _id(),
    _text("fleet"),
    _to("member_id", "member.id", optional=True),
    _text("action"),
    _at(),
    _text("reason"),
    _json("body"),
    Index(None, "fleet", "id"),
    Index(None, "member_id", "id"),
)

event = Table(
    "event",
    metadata,
    _id(),
    _at(),
    _text("kind"),
    _text("subject"),
    _text("actor"),
    _text("message"),
    _json("body"),
    Index(None, "subject", "id"),
)

lease = Table(
    "lease",
    metadata,
    Column("name", Name, primary_key=True),
    _text("owner"),
    _count("token"),
    _at("expires_at"),
)

token = Table(
    "token",
    metadata,
    Column("digest", Name, primary_key=True),
    _text("name"),
    _text("role"),
    _at(),
    _at("expires_at", optional=True),
    _at("revoked_at", optional=True),
)

current = Table(
    "current",
    metadata,
    Column("member_id", Identity, ForeignKey("member.id"), primary_key=True, autoincrement=False),
    _text("fleet"),
    _text("key"),
    _count("version_id", optional=True),
    Column("version_number", Integer, nullable=True),
    _at("version_at", optional=True),
    _count("version_rows", optional=True),
    _text("version_key", optional=True),
    _text("version_signature", optional=True),
    _text("target", optional=True),
    _count("champion_id", optional=True),
    Column("champion_number", Integer, nullable=True),
    _at("champion_since", optional=True),
    _count("challenger_id", optional=True),
    _count("rollout_id", optional=True),
    _count("rollout_version_id", optional=True),
    _text("rollout_kind", optional=True),
    _text("rollout_state", optional=True),
    _number("rollout_share"),
    _at("rollout_at", optional=True),
    _count("execution_id", optional=True),
    _text("execution_key", optional=True),
    _text("execution_outcome", optional=True),
    _text("execution_reason", optional=True),
    _at("execution_at", optional=True),
    Column("failures", Integer, nullable=False),
    _json("signals"),
    Index(None, "fleet", "key"),
)
"""Projection: one row per member, what is true now; kept in the same transaction as the facts it sums up."""
