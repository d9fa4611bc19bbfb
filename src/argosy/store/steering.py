"""The tables of who answers: aliases, rollouts, and rules of callers."""

from __future__ import annotations

from sqlalchemy import Index, Table

from argosy.store import columns
from argosy.store.metadata import metadata

alias = Table(
    "alias",
    metadata,
    columns.id(),
    columns.text("fleet"),
    columns.to("member_id", "member.id"),
    columns.text("alias"),
    columns.to("version_id", "version.id", optional=True),
    columns.text("target"),
    columns.at(),
    columns.text("actor"),
    columns.text("reason"),
    Index(None, "member_id", "alias", "id"),
)

rollout = Table(
    "rollout",
    metadata,
    columns.id(),
    columns.text("fleet"),
    columns.to("member_id", "member.id"),
    columns.to("version_id", "version.id"),
    columns.text("kind"),
    columns.text("state"),
    columns.number("share"),
    columns.at(),
    columns.text("reason"),
    columns.json("evidence"),
    Index(None, "member_id", "id"),
)

rule = Table(
    "rule",
    metadata,
    columns.id(),
    columns.text("fleet"),
    columns.to("member_id", "member.id", optional=True),
    columns.text("caller"),
    columns.text("target"),
    columns.to("version_id", "version.id", optional=True),
    columns.at(),
    columns.text("actor"),
    columns.text("reason"),
    Index(None, "fleet", "caller", "member_id", "id"),
)
"""Who answers the rows of one caller, of a member or of a whole fleet; the latest counts."""
