"""Verdicts of gates that wait for a person are found at once, however many others there are."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forward; a home is never migrated back."""
    undecided = sa.text("passed IS NULL")
    op.create_index(
        "ix_verdict_undecided", "verdict", ["version_id"], sqlite_where=undecided, postgresql_where=undecided
    )
