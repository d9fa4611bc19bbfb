"""The tables of facts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.schema import SchemaItem

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def _facts(name: str, *rest: SchemaItem) -> None:
    """A table of rows with an id."""
    ids = sa.Column("id", ID, autoincrement=False, nullable=False)
    op.create_table(name, ids, *rest, sa.PrimaryKeyConstraint("id", name=f"pk_{name}"))


def _artifact_to_event() -> None:
    op.create_table(
        "artifact",
        sa.Column("digest", NAME, nullable=False),
        sa.Column("kind", NAME, nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("pack", NAME, nullable=True),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_artifact"),
    )
    op.create_table(
        "bundle",
        sa.Column("digest", NAME, nullable=False),
        sa.Column("project", NAME, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("git_commit", NAME, nullable=True),
        sa.Column("dirty", sa.Boolean(), nullable=False),
        sa.Column("libraries", sa.Text(), nullable=False),
        sa.Column("modules", sa.Text(), nullable=False),
        sa.Column("actor", NAME, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_bundle"),
    )
    _facts(
        "contract",
        sa.Column("dataset", NAME, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", NAME, nullable=False),
        sa.Column("reason", NAME, nullable=False),
        sa.UniqueConstraint("dataset", "number", name="uq_contract_dataset_number"),
    )
    _facts(
        "event",
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", NAME, nullable=False),
        sa.Column("subject", NAME, nullable=False),
        sa.Column("actor", NAME, nullable=False),
        sa.Column("message", NAME, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
    )
    op.create_index("ix_event_subject_id", "event", ["subject", "id"])


def _finding_to_member() -> None:
    _facts(
        "finding",
        sa.Column("dataset", NAME, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("rule", NAME, nullable=False),
        sa.Column("column", NAME, nullable=True),
        sa.Column("severity", NAME, nullable=False),
        sa.Column("outcome", NAME, nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("examples", sa.Text(), nullable=False),
        sa.Column("message", NAME, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_finding_dataset_version_id", "finding", ["dataset", "version", "id"])
    op.create_table(
        "ingested",
        sa.Column("dataset", NAME, nullable=False),
        sa.Column("source_key", NAME, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("dataset", "source_key", name="pk_ingested"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "lease",
        sa.Column("name", NAME, nullable=False),
        sa.Column("owner", NAME, nullable=False),
        sa.Column("token", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_lease"),
    )
    _facts(
        "member",
        sa.Column("fleet", NAME, nullable=False),
        sa.Column("key", NAME, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.UniqueConstraint("fleet", "key", name="uq_member_fleet_key"),
    )


def _part_to_token() -> None:
    _facts(
        "part",
        sa.Column("dataset", NAME, nullable=False),
        sa.Column("purpose", NAME, nullable=False),
        sa.Column("from_version", sa.Integer(), nullable=False),
        sa.Column("digest", NAME, nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("low", sa.BigInteger(), nullable=True),
        sa.Column("high", sa.BigInteger(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
    )
    op.create_index(
        ("ix_part_dataset_purpose_from_version"), "part", ["dataset", "purpose", "from_version"], unique=False
    )
    _facts(
        "statistic",
        sa.Column("dataset", NAME, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
    )
    op.create_index("ix_statistic_dataset_number_id", "statistic", ["dataset", "number", "id"])
    op.create_table(
        "token",
        sa.Column("digest", NAME, nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("role", NAME, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("digest", name="pk_token"),
    )


def _window_and_alert() -> None:
    _facts(
        "window",
        sa.Column("fleet", NAME, nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("stop", sa.BigInteger(), nullable=False),
        sa.Column("kind", NAME, nullable=False),
        sa.Column("digest", NAME, nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("dataset_version", sa.Integer(), nullable=False),
        sa.UniqueConstraint(
            "fleet",
            "kind",
            "start",
            "stop",
            "dataset_version",
            name="uq_window_fleet_kind_start_stop_dataset_version",
        ),
    )
    _facts(
        "alert",
        sa.Column("fleet", NAME, nullable=False),
        sa.Column("member_id", ID, nullable=True),
        sa.Column("name", NAME, nullable=False),
        sa.Column("cause", NAME, nullable=False),
        sa.Column("state", NAME, nullable=False),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("limit_value", sa.Double(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("message", NAME, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name="fk_alert_member_id"),
    )
    op.create_index("ix_alert_fleet_name_member_id_id", "alert", ["fleet", "name", "member_id", "id"])


def _current_and_decision() -> None:
    op.create_table(
        "current",
        sa.Column("member_id", ID, autoincrement=False, nullable=False),
        sa.Column("fleet", NAME, nullable=False),
        sa.Column("key", NAME, nullable=False),
        sa.Column("version_id", sa.BigInteger(), nullable=True),
        sa.Column("version_number", sa.Integer(), nullable=True),
        sa.Column("version_at", sa.BigInteger(), nullable=True),
        sa.Column("version_rows", sa.BigInteger(), nullable=True),
        sa.Column("version_key", NAME, nullable=True),
        sa.Column("version_signature", NAME, nullable=True),
        sa.Column("target", NAME, nullable=True),
        sa.Column("champion_id", sa.BigInteger(), nullable=True),
        sa.Column("champion_number", sa.Integer(), nullable=True),
        sa.Column("champion_since", sa.BigInteger(), nullable=True),
        sa.Column("challenger_id", sa.BigInteger(), nullable=True),
        sa.Column("rollout_id", sa.BigInteger(), nullable=True),
        sa.Column("rollout_version_id", sa.BigInteger(), nullable=True),
        sa.Column("rollout_kind", NAME, nullable=True),
        sa.Column("rollout_state", NAME, nullable=True),
        sa.Column("rollout_share", sa.Double(), nullable=True),
        sa.Column("rollout_at", sa.BigInteger(), nullable=True),
        sa.Column("execution_id", sa.BigInteger(), nullable=True),
        sa.Column("execution_key", NAME, nullable=True),
        sa.Column("execution_outcome", NAME, nullable=True),
        sa.Column("execution_reason", NAME, nullable=True),
        sa.Column("execution_at", sa.BigInteger(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("signals", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name="fk_current_member_id"),
        sa.PrimaryKeyConstraint("member_id", name="pk_current"),
    )
    op.create_index("ix_current_fleet_key", "current", ["fleet", "key"])
    _facts(
        "decision",
        sa.Column("fleet", NAME, nullable=False),
        sa.Column("member_id", ID, nullable=True),
        sa.Column("action", NAME, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("reason", NAME, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name="fk_decision_member_id"),
    )
    op.create_index("ix_decision_fleet_id", "decision", ["fleet", "id"])
    op.create_index("ix_decision_member_id_id", "decision", ["member_id", "id"])


def _declaration_and_execution() -> None:
    _facts(
        "declaration",
        sa.Column("kind", NAME, nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("bundle", NAME, nullable=True),
        sa.Column("fingerprint", NAME, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", NAME, nullable=False),
        sa.Column("reason", NAME, nullable=False),
        sa.Column("removed", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["bundle"], ["bundle.digest"], name="fk_declaration_bundle"),
    )
    op.create_index("ix_declaration_kind_name_id", "declaration", ["kind", "name", "id"])
    _facts(
        "execution",
        sa.Column("key", NAME, nullable=False),
        sa.Column("kind", NAME, nullable=False),
        sa.Column("subject", NAME, nullable=False),
        sa.Column("member_id", ID, nullable=True),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=False),
        sa.Column("outcome", NAME, nullable=False),
        sa.Column("reason", NAME, nullable=False),
        sa.Column("cpu_s", sa.Double(), nullable=True),
        sa.Column("wall_s", sa.Double(), nullable=True),
        sa.Column("peak_bytes", sa.BigInteger(), nullable=True),
        sa.Column("parameters", sa.Text(), nullable=False),
        sa.Column("metrics", sa.Text(), nullable=False),
        sa.Column("bundle", NAME, nullable=True),
        sa.Column("parent_id", ID, nullable=True),
        sa.ForeignKeyConstraint(["bundle"], ["bundle.digest"], name="fk_execution_bundle"),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name="fk_execution_member_id"),
        sa.ForeignKeyConstraint(["parent_id"], ["execution.id"], name="fk_execution_parent_id"),
    )
    op.create_index("ix_execution_key", "execution", ["key"])
    op.create_index("ix_execution_kind_id", "execution", ["kind", "id"])
    op.create_index("ix_execution_member_id_id", "execution", ["member_id", "id"])
    op.create_index("ix_execution_subject_id", "execution", ["subject", "id"])


def _signal_to_edge() -> None:
    _facts(
        "signal",
        sa.Column("fleet", NAME, nullable=False),
        sa.Column("member_id", ID, nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name="fk_signal_member_id"),
    )
    op.create_index("ix_signal_member_id_name_id", "signal", ["member_id", "name", "id"])
    _facts(
        "dataset_version",
        sa.Column("dataset", NAME, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("known_until", sa.BigInteger(), nullable=True),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("added", sa.BigInteger(), nullable=False),
        sa.Column("columns", sa.Text(), nullable=False),
        sa.Column("digest", NAME, nullable=False),
        sa.Column("execution_id", ID, nullable=True),
        sa.Column("cause", NAME, nullable=False),
        sa.ForeignKeyConstraint(["execution_id"], ["execution.id"], name="fk_dataset_version_execution_id"),
        sa.UniqueConstraint("dataset", "number", name="uq_dataset_version_dataset_number"),
    )
    op.create_table(
        "edge",
        sa.Column("execution_id", ID, autoincrement=False, nullable=False),
        sa.Column("direction", NAME, nullable=False),
        sa.Column("kind", NAME, nullable=False),
        sa.Column("reference", NAME, nullable=False),
        sa.ForeignKeyConstraint(["execution_id"], ["execution.id"], name="fk_edge_execution_id"),
        sa.PrimaryKeyConstraint("execution_id", "direction", "kind", "reference", name="pk_edge"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_edge_reference_kind_direction", "edge", ["reference", "kind", "direction"])


def _version_to_approval() -> None:
    _facts(
        "version",
        sa.Column("fleet", NAME, nullable=False),
        sa.Column("member_id", ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("key", NAME, nullable=False),
        sa.Column("artifact", NAME, nullable=False),
        sa.Column("format", NAME, nullable=False),
        sa.Column("signature", NAME, nullable=True),
        sa.Column("execution_id", ID, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("span_low", sa.BigInteger(), nullable=True),
        sa.Column("span_high", sa.BigInteger(), nullable=True),
        sa.Column("metrics", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["artifact"], ["artifact.digest"], name="fk_version_artifact"),
        sa.ForeignKeyConstraint(["execution_id"], ["execution.id"], name="fk_version_execution_id"),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name="fk_version_member_id"),
        sa.UniqueConstraint("member_id", "number", name="uq_version_member_id_number"),
    )
    op.create_index("ix_version_fleet_id", "version", ["fleet", "id"])
    _facts(
        "alias",
        sa.Column("fleet", NAME, nullable=False),
        sa.Column("member_id", ID, nullable=False),
        sa.Column("alias", NAME, nullable=False),
        sa.Column("version_id", ID, nullable=True),
        sa.Column("target", NAME, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", NAME, nullable=False),
        sa.Column("reason", NAME, nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name="fk_alias_member_id"),
        sa.ForeignKeyConstraint(["version_id"], ["version.id"], name="fk_alias_version_id"),
    )
    op.create_index("ix_alias_member_id_alias_id", "alias", ["member_id", "alias", "id"])
    _facts(
        "approval",
        sa.Column("version_id", ID, nullable=False),
        sa.Column("granted", sa.Boolean(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", NAME, nullable=False),
        sa.Column("reason", NAME, nullable=False),
        sa.ForeignKeyConstraint(["version_id"], ["version.id"], name="fk_approval_version_id"),
    )
    op.create_index("ix_approval_version_id_id", "approval", ["version_id", "id"])


def _rollout_and_verdict() -> None:
    _facts(
        "rollout",
        sa.Column("fleet", NAME, nullable=False),
        sa.Column("member_id", ID, nullable=False),
        sa.Column("version_id", ID, nullable=False),
        sa.Column("kind", NAME, nullable=False),
        sa.Column("state", NAME, nullable=False),
        sa.Column("share", sa.Double(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("reason", NAME, nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name="fk_rollout_member_id"),
        sa.ForeignKeyConstraint(["version_id"], ["version.id"], name="fk_rollout_version_id"),
    )
    op.create_index("ix_rollout_member_id_id", "rollout", ["member_id", "id"])
    _facts(
        "verdict",
        sa.Column("version_id", ID, nullable=False),
        sa.Column("gate", NAME, nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("message", NAME, nullable=False),
        sa.ForeignKeyConstraint(["version_id"], ["version.id"], name="fk_verdict_version_id"),
    )
    op.create_index("ix_verdict_version_id_gate_id", "verdict", ["version_id", "gate", "id"])


def upgrade() -> None:
    """Forward; a home is never migrated back."""
    _artifact_to_event()
    _finding_to_member()
    _part_to_token()
    _window_and_alert()
    _current_and_decision()
    _declaration_and_execution()
    _signal_to_edge()
    _version_to_approval()
    _rollout_and_verdict()
