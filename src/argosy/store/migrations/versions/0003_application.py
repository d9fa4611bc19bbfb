"""The commit that a project was in belongs to each time that it was applied, not to the content of its bundle."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Forward; a home is never migrated back."""
    made = op.create_table(
        "application",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("bundle", NAME, nullable=False),
        sa.Column("project", NAME, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", NAME, nullable=False),
        sa.Column("git_commit", NAME, nullable=True),
        sa.Column("dirty", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["bundle"], ["bundle.digest"], name="fk_application_bundle"),
        sa.PrimaryKeyConstraint("id", name="pk_application"),
    )
    op.create_index("ix_application_bundle_id", "application", ["bundle", "id"])
    op.create_index("ix_application_project_id", "application", ["project", "id"])
    if rows := _known():
        op.bulk_insert(made, rows)
    op.drop_column("bundle", "git_commit")
    op.drop_column("bundle", "dirty")


def _known() -> list[dict[str, object]]:
    """What events tell of every application, and bundles of those that no event tells of."""
    conn = op.get_bind()
    told = sa.text("SELECT subject, at, actor, body FROM event WHERE kind = 'applied' ORDER BY id")
    first = sa.text("SELECT digest, project, at, actor, git_commit, dirty FROM bundle ORDER BY at, digest")
    bundles = {row.digest: row for row in conn.execute(first)}
    found = []
    for row in conn.execute(told):
        body = json.loads(row.body)
        if body.get("bundle") in bundles:
            found.append(
                {
                    "bundle": body["bundle"], "project": row.subject.removeprefix("project:"), "at": row.at,
                    "actor": row.actor, "git_commit": body.get("commit"), "dirty": bool(body.get("dirty")),
                }
            )  # fmt: skip
    for digest in bundles.keys() - {each["bundle"] for each in found}:
        row = bundles[digest]
        found.append(
            {
                "bundle": digest, "project": row.project, "at": row.at, "actor": row.actor,
                "git_commit": row.git_commit, "dirty": bool(row.dirty),
            }
        )  # fmt: skip
    found.sort(key=lambda each: (each["at"], each["bundle"]))
    return [{"id": place, **each} for place, each in enumerate(found, 1)]
