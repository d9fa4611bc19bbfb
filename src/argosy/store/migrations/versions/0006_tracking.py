"""Experiments, runs and what is tracked in them; models that are logged and registered by name; rules for callers."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
FREE = sa.text("deleted_at IS NULL")


def upgrade() -> None:
    """Forward; a home is never migrated back."""
    _experiments()
    _logged_values()
    _texts()
    _inputs()
    _changes()
    _registered()
    _logged()
    _traces()
    _spans()
    _rules()


def _experiments() -> None:
    op.create_table(
        "experiment",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("location", NAME, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.Column("actor", NAME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_experiment"),
    )
    op.create_index("ix_experiment_name", "experiment", ["name"], unique=True, sqlite_where=FREE, postgresql_where=FREE)
    op.create_table(
        "tracked",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("run", NAME, nullable=False),
        sa.Column("experiment_id", ID, nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("owner", NAME, nullable=False),
        sa.Column("status", NAME, nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.Column("actor", NAME, nullable=False),
        sa.Column("execution_id", ID, nullable=True),
        sa.ForeignKeyConstraint(["execution_id"], ["execution.id"], name="fk_tracked_execution_id"),
        sa.ForeignKeyConstraint(["experiment_id"], ["experiment.id"], name="fk_tracked_experiment_id"),
        sa.UniqueConstraint("run", name="uq_tracked_run"),
        sa.PrimaryKeyConstraint("id", name="pk_tracked"),
    )
    op.create_index("ix_tracked_deleted_at", "tracked", ["deleted_at"])
    op.create_index("ix_tracked_execution_id", "tracked", ["execution_id"])
    op.create_index("ix_tracked_experiment_id_started_at", "tracked", ["experiment_id", "started_at"])


def _logged_values() -> None:
    op.create_table(
        "metric",
        sa.Column("run_id", ID, autoincrement=False, nullable=False),
        sa.Column("key", NAME, nullable=False),
        sa.Column("experiment_id", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("step", sa.BigInteger(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["tracked.id"], name="fk_metric_run_id"),
        sa.PrimaryKeyConstraint("run_id", "key", name="pk_metric"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_metric_experiment_id_key_value_run_id", "metric", ["experiment_id", "key", "value", "run_id"])
    op.create_table(
        "block",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("run_id", ID, nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["tracked.id"], name="fk_block_run_id"),
        sa.PrimaryKeyConstraint("id", name="pk_block"),
    )
    op.create_index("ix_block_run_id_id", "block", ["run_id", "id"])


def _texts() -> None:
    op.create_table(
        "parameter",
        sa.Column("run_id", ID, autoincrement=False, nullable=False),
        sa.Column("key", NAME, nullable=False),
        sa.Column("experiment_id", sa.BigInteger(), nullable=False),
        sa.Column("value", NAME, nullable=False),
        sa.Column("head", NAME, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", NAME, nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["tracked.id"], name="fk_parameter_run_id"),
        sa.PrimaryKeyConstraint("run_id", "key", name="pk_parameter"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_parameter_experiment_id_key_head", "parameter", ["experiment_id", "key", "head"])
    op.create_table(
        "tag",
        sa.Column("run_id", ID, autoincrement=False, nullable=False),
        sa.Column("key", NAME, nullable=False),
        sa.Column("experiment_id", sa.BigInteger(), nullable=False),
        sa.Column("value", NAME, nullable=False),
        sa.Column("head", NAME, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", NAME, nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["tracked.id"], name="fk_tag_run_id"),
        sa.PrimaryKeyConstraint("run_id", "key", name="pk_tag"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_tag_experiment_id_key_head", "tag", ["experiment_id", "key", "head"])
    op.create_table(
        "label",
        sa.Column("kind", NAME, nullable=False),
        sa.Column("entity", NAME, nullable=False),
        sa.Column("key", NAME, nullable=False),
        sa.Column("value", NAME, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", NAME, nullable=False),
        sa.PrimaryKeyConstraint("kind", "entity", "key", name="pk_label"),
        sqlite_with_rowid=False,
    )


def _inputs() -> None:
    op.create_table(
        "data_source",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("experiment_id", ID, nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("digest", NAME, nullable=False),
        sa.Column("source_type", NAME, nullable=False),
        sa.Column("source", NAME, nullable=False),
        sa.Column("schema", NAME, nullable=True),
        sa.Column("profile", NAME, nullable=True),
        sa.ForeignKeyConstraint(["experiment_id"], ["experiment.id"], name="fk_data_source_experiment_id"),
        sa.UniqueConstraint("experiment_id", "name", "digest", name="uq_data_source_experiment_id_name_digest"),
        sa.PrimaryKeyConstraint("id", name="pk_data_source"),
    )
    op.create_table(
        "intake",
        sa.Column("run_id", ID, autoincrement=False, nullable=False),
        sa.Column("source_id", ID, autoincrement=False, nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["tracked.id"], name="fk_intake_run_id"),
        sa.ForeignKeyConstraint(["source_id"], ["data_source.id"], name="fk_intake_source_id"),
        sa.PrimaryKeyConstraint("run_id", "source_id", name="pk_intake"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_intake_source_id", "intake", ["source_id"])
    op.create_table(
        "file",
        sa.Column("path", NAME, nullable=False),
        sa.Column("digest", NAME, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", NAME, nullable=False),
        sa.ForeignKeyConstraint(["digest"], ["artifact.digest"], name="fk_file_digest"),
        sa.PrimaryKeyConstraint("path", name="pk_file"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_file_digest", "file", ["digest"])


def _changes() -> None:
    op.create_table(
        "orphan",
        sa.Column("digest", NAME, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_orphan"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "change",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", NAME, nullable=False),
        sa.Column("kind", NAME, nullable=False),
        sa.Column("entity", NAME, nullable=False),
        sa.Column("field", NAME, nullable=False),
        sa.Column("before", NAME, nullable=True),
        sa.Column("after", NAME, nullable=True),
        sa.Column("reason", NAME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_change"),
    )
    op.create_index("ix_change_kind_entity_id", "change", ["kind", "entity", "id"])
    op.create_table(
        "absorbed",
        sa.Column("source", NAME, nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("source", name="pk_absorbed"),
        sqlite_with_rowid=False,
    )


def _registered() -> None:
    op.create_table(
        "registered",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("description", NAME, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.Column("actor", NAME, nullable=False),
        sa.Column("versions", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_registered"),
    )
    op.create_index("ix_registered_name", "registered", ["name"], unique=True, sqlite_where=FREE, postgresql_where=FREE)
    op.create_index("ix_registered_updated_at", "registered", ["updated_at"])
    op.create_table(
        "registered_version",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("model_id", ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("description", NAME, nullable=False),
        sa.Column("source", NAME, nullable=False),
        sa.Column("location", NAME, nullable=True),
        sa.Column("run", NAME, nullable=True),
        sa.Column("logged", NAME, nullable=True),
        sa.Column("stage", NAME, nullable=False),
        sa.Column("owner", NAME, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.Column("actor", NAME, nullable=False),
        sa.ForeignKeyConstraint(["model_id"], ["registered.id"], name="fk_registered_version_model_id"),
        sa.UniqueConstraint("model_id", "number", name="uq_registered_version_model_id_number"),
        sa.PrimaryKeyConstraint("id", name="pk_registered_version"),
    )
    op.create_index(
        "ix_registered_version_model_id_stage_number", "registered_version", ["model_id", "stage", "number"]
    )
    op.create_index("ix_registered_version_model_id_updated_at", "registered_version", ["model_id", "updated_at"])
    op.create_index("ix_registered_version_run", "registered_version", ["run"])
    op.create_index("ix_registered_version_updated_at", "registered_version", ["updated_at"])
    op.create_table(
        "registered_alias",
        sa.Column("model_id", ID, autoincrement=False, nullable=False),
        sa.Column("alias", NAME, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", NAME, nullable=False),
        sa.ForeignKeyConstraint(["model_id"], ["registered.id"], name="fk_registered_alias_model_id"),
        sa.PrimaryKeyConstraint("model_id", "alias", name="pk_registered_alias"),
        sqlite_with_rowid=False,
    )


def _logged() -> None:
    op.create_table(
        "logged",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("model", NAME, nullable=False),
        sa.Column("experiment_id", ID, nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("type", NAME, nullable=False),
        sa.Column("status", NAME, nullable=False),
        sa.Column("run", NAME, nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.Column("actor", NAME, nullable=False),
        sa.Column("parameters", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["experiment_id"], ["experiment.id"], name="fk_logged_experiment_id"),
        sa.UniqueConstraint("model", name="uq_logged_model"),
        sa.PrimaryKeyConstraint("id", name="pk_logged"),
    )
    op.create_index("ix_logged_experiment_id_at", "logged", ["experiment_id", "at"])
    op.create_index("ix_logged_run", "logged", ["run"])
    op.create_table(
        "logged_metric",
        sa.Column("logged_id", ID, autoincrement=False, nullable=False),
        sa.Column("key", NAME, nullable=False),
        sa.Column("run", NAME, nullable=False),
        sa.Column("dataset", NAME, nullable=False),
        sa.Column("digest", NAME, nullable=False),
        sa.Column("step", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("value", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(["logged_id"], ["logged.id"], name="fk_logged_metric_logged_id"),
        sa.PrimaryKeyConstraint(
            "logged_id", "key", "run", "dataset", "digest", "step", "at_ms", name="pk_logged_metric"
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "logged_flow",
        sa.Column("run_id", ID, autoincrement=False, nullable=False),
        sa.Column("direction", NAME, nullable=False),
        sa.Column("model", NAME, nullable=False),
        sa.Column("step", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["tracked.id"], name="fk_logged_flow_run_id"),
        sa.PrimaryKeyConstraint("run_id", "direction", "model", name="pk_logged_flow"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_logged_flow_model", "logged_flow", ["model"])


def _traces() -> None:
    op.create_table(
        "trace",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("trace", NAME, nullable=False),
        sa.Column("experiment_id", ID, nullable=False),
        sa.Column("name", NAME, nullable=True),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("took_ms", sa.BigInteger(), nullable=True),
        sa.Column("state", NAME, nullable=False),
        sa.Column("request", NAME, nullable=True),
        sa.Column("response", NAME, nullable=True),
        sa.Column("client", NAME, nullable=True),
        sa.Column("metadata", sa.Text(), nullable=False),
        sa.Column("told", sa.Boolean(), nullable=False),
        sa.Column("spanned", sa.Boolean(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", NAME, nullable=False),
        sa.ForeignKeyConstraint(["experiment_id"], ["experiment.id"], name="fk_trace_experiment_id"),
        sa.UniqueConstraint("trace", name="uq_trace_trace"),
        sa.PrimaryKeyConstraint("id", name="pk_trace"),
    )
    op.create_index("ix_trace_experiment_id_at_ms", "trace", ["experiment_id", "at_ms"])
    op.create_table(
        "trace_run",
        sa.Column("trace_id", ID, autoincrement=False, nullable=False),
        sa.Column("run", NAME, nullable=False),
        sa.ForeignKeyConstraint(["trace_id"], ["trace.id"], name="fk_trace_run_trace_id"),
        sa.PrimaryKeyConstraint("trace_id", "run", name="pk_trace_run"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_trace_run_run", "trace_run", ["run"])


def _spans() -> None:
    op.create_table(
        "span",
        sa.Column("trace_id", ID, autoincrement=False, nullable=False),
        sa.Column("span", NAME, nullable=False),
        sa.Column("parent", NAME, nullable=True),
        sa.Column("name", NAME, nullable=False),
        sa.Column("type", NAME, nullable=False),
        sa.Column("status", NAME, nullable=False),
        sa.Column("start_ns", sa.BigInteger(), nullable=False),
        sa.Column("end_ns", sa.BigInteger(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["trace_id"], ["trace.id"], name="fk_span_trace_id"),
        sa.PrimaryKeyConstraint("trace_id", "span", name="pk_span"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_span_name", "span", ["name"])
    op.create_table(
        "assessment",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("assessment", NAME, nullable=False),
        sa.Column("trace_id", ID, nullable=False),
        sa.Column("kind", NAME, nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("value", NAME, nullable=False),
        sa.Column("valid", sa.Boolean(), nullable=False),
        sa.Column("overrides", NAME, nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", NAME, nullable=False),
        sa.ForeignKeyConstraint(["trace_id"], ["trace.id"], name="fk_assessment_trace_id"),
        sa.UniqueConstraint("assessment", name="uq_assessment_assessment"),
        sa.PrimaryKeyConstraint("id", name="pk_assessment"),
    )
    op.create_index("ix_assessment_trace_id_id", "assessment", ["trace_id", "id"])


def _rules() -> None:
    op.create_table(
        "rule",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("fleet", NAME, nullable=False),
        sa.Column("member_id", ID, nullable=True),
        sa.Column("caller", NAME, nullable=False),
        sa.Column("target", NAME, nullable=False),
        sa.Column("version_id", ID, nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", NAME, nullable=False),
        sa.Column("reason", NAME, nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name="fk_rule_member_id"),
        sa.ForeignKeyConstraint(["version_id"], ["version.id"], name="fk_rule_version_id"),
        sa.PrimaryKeyConstraint("id", name="pk_rule"),
    )
    op.create_index("ix_rule_fleet_caller_member_id_id", "rule", ["fleet", "caller", "member_id", "id"])
