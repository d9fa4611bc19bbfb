"""Calls of runs that are at work, with the end of what they wrote so far."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Forward; a home is never migrated back."""
    op.create_table(
        "underway",
        sa.Column("run_id", ID, autoincrement=False, nullable=False),
        sa.Column("node", NAME, nullable=False),
        sa.Column("element", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("token", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("written", sa.BigInteger(), nullable=False),
        sa.Column("tail", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_underway_run_id"),
        sa.PrimaryKeyConstraint("run_id", "node", "element", name="pk_underway"),
        sqlite_with_rowid=False,
    )
