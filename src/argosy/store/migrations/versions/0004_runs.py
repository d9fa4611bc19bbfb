"""Runs of pipelines; small artifacts lie in their rows, and each may tell what it holds."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Forward; a home is never migrated back."""
    op.add_column("artifact", sa.Column("data", sa.LargeBinary(), nullable=True))
    op.add_column("artifact", sa.Column("body", sa.Text(), nullable=True))
    _runs()
    _calls()
    _claims_and_pauses()


def _runs() -> None:
    op.create_table(
        "run",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("pipeline", NAME, nullable=False),
        sa.Column("key", NAME, nullable=False),
        sa.Column("bundle", NAME, nullable=True),
        sa.Column("parameters", sa.Text(), nullable=False),
        sa.Column("inputs", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("cause", NAME, nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", NAME, nullable=False),
        sa.ForeignKeyConstraint(["bundle"], ["bundle.digest"], name="fk_run_bundle"),
        sa.PrimaryKeyConstraint("id", name="pk_run"),
    )
    op.create_index("ix_run_pipeline_id", "run", ["pipeline", "id"])
    op.create_index("ix_run_key_id", "run", ["key", "id"])
    op.create_table(
        "ending",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("run_id", ID, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("outcome", NAME, nullable=False),
        sa.Column("reason", NAME, nullable=False),
        sa.Column("actor", NAME, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_ending_run_id"),
        sa.PrimaryKeyConstraint("id", name="pk_ending"),
    )
    op.create_index("ix_ending_run_id_id", "ending", ["run_id", "id"])


def _calls() -> None:
    op.create_table(
        "call",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("run_id", ID, nullable=False),
        sa.Column("node", NAME, nullable=False),
        sa.Column("element", sa.Integer(), nullable=False),
        sa.Column("state", NAME, nullable=False),
        sa.Column("execution_id", ID, nullable=True),
        sa.Column("reason", NAME, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_call_run_id"),
        sa.ForeignKeyConstraint(["execution_id"], ["execution.id"], name="fk_call_execution_id"),
        sa.PrimaryKeyConstraint("id", name="pk_call"),
    )
    op.create_index("ix_call_run_id_node_element_id", "call", ["run_id", "node", "element", "id"])
    op.create_index("ix_call_execution_id", "call", ["execution_id"])


def _claims_and_pauses() -> None:
    op.create_table(
        "claim",
        sa.Column("name", NAME, nullable=False),
        sa.Column("run_id", ID, nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_claim_run_id"),
        sa.PrimaryKeyConstraint("name", name="pk_claim"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_claim_run_id", "claim", ["run_id"])
    op.create_table(
        "pause",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("pipeline", NAME, nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", NAME, nullable=False),
        sa.Column("reason", NAME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_pause"),
    )
    op.create_index("ix_pause_pipeline_id", "pause", ["pipeline", "id"])
