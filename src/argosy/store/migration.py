"""Bring a home's tables to this software's version.

Only a home of an older version needs the migrations, and with them Alembic: a new one on SQLite is made as they would
leave it. The version is looked up with plain SQL.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, Engine, inspect

from argosy.errors import ConflictError, UnknownError
from argosy.store import schema
from argosy.store.database import aside

HEAD = "0006"
"""The revision that this software writes; the newest file in `migrations/versions`."""


def ensure(engine: Engine, *, create: bool = True) -> None:
    """Create or migrate the tables, once however many processes open the home together."""
    with aside(engine) as connection:
        found = revision(connection)
    if found == HEAD:
        return
    _refuse_newer(found, engine)
    if found is None and not create:
        raise UnknownError(f"{engine.url!r} holds no Argosy tables", next="argosy init")
    with engine.begin() as connection:
        found = revision(connection)
        _refuse_newer(found, engine)
        if found is None and connection.dialect.name == "sqlite":
            _make(connection)
        elif found != HEAD:
            _upgrade(connection)


def revision(connection: Connection) -> str | None:
    """The revision that the home is at, None for an empty one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    row = connection.exec_driver_sql("SELECT version_num FROM alembic_version").first()
    return None if row is None else str(row[0])


def _refuse_newer(found: str | None, engine: Engine) -> None:
    if found is not None and found > HEAD:
        raise ConflictError(
            f"{engine.url!r} was written by newer software: its schema is {found}, this one knows {HEAD}",
            next="pip install --upgrade argosy",
        )


def _make(connection: Connection) -> None:
    schema.metadata.create_all(connection, checkfirst=False)
    connection.exec_driver_sql(
        "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, "
        "CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
    )
    connection.exec_driver_sql(f"INSERT INTO alembic_version VALUES ('{HEAD}')")


def _upgrade(connection: Connection) -> None:
    # Alembic costs 0.15 s to import and is needed only here.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.attributes["connection"] = connection
    command.upgrade(config, HEAD)
