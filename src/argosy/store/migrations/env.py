"""Run by Alembic: migrations happen in the transaction that the store has already begun."""

from typing import Any

from alembic import context
from sqlalchemy.types import TypeDecorator

from argosy.store.schema import metadata


def plain(kind: str, item: Any, autogen_context: Any) -> Any:
    """Write a new migration in SQL's own types, so that it stays what it is when our types change."""
    if kind == "type" and isinstance(item, TypeDecorator):
        return f"sa.{item.impl_instance!r}"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
    render_item=plain,
)
context.run_migrations()
