"""Migrations: the shipped ones make the tables that the code speaks of, once, and only when needed."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from argosy.errors import ConflictError
from argosy.store import Store, applications, bundles, migration, schema


def _differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
    return list(compare_metadata(context, schema.metadata))


_TRACKED = (
    "rule", "assessment", "span", "trace_run", "trace", "logged_flow", "logged_metric", "logged", "registered_alias",
    "registered_version", "registered", "absorbed", "change", "orphan", "file", "intake", "data_source", "label",
    "tag", "parameter", "block", "metric", "tracked", "experiment",
)  # fmt: skip


def _set_version(store: Store, number: str) -> None:
    with store.write() as tx:
        tx.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{number}'")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def store(request: pytest.FixtureRequest, home: Path) -> Iterator[Store]:
    place = home if request.param == "sqlite" else request.getfixturevalue("postgres")
    with Store.open(place, blobs=home / "blobs") as store:
        yield store


def test_the_migrations_make_the_tables_of_the_schema(store: Store) -> None:
    with store.read() as conn:
        assert _differences(conn) == []
        assert migration.revision(conn) == migration.HEAD


def test_the_head_is_the_newest_file() -> None:
    scripts = ScriptDirectory(str(Path(migration.__file__).with_name("migrations")))
    assert scripts.get_heads() == [migration.HEAD]


def _tables(connection: Connection) -> dict[str, list[str]]:
    """What SQLite holds, by name, the clauses of each statement in an order of their own."""
    found = connection.exec_driver_sql("SELECT name, coalesce(sql, '') FROM sqlite_master").all()
    return {name: sorted(re.split(r",(?![^()]*\))|\(|\)$", re.sub(r'[\s"]+', "", sql))) for name, sql in found}


def test_a_new_home_is_what_the_migrations_make(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store.open(home / "made") as made, made.read() as conn:
        wanted = _tables(conn)
    monkeypatch.setattr(migration, "_make", migration._upgrade)
    with Store.open(home / "migrated") as migrated, migrated.read() as conn:
        assert _tables(conn) == wanted
    assert len(wanted) > 60


def test_a_home_of_newer_software_is_refused(store: Store) -> None:
    _set_version(store, "9999")
    with pytest.raises(ConflictError, match="its schema is 9999, this one knows") as caught:
        Store.open(store.home, blobs=store.blobs.root)
    assert "upgrade" in caught.value.next


def test_a_home_of_older_software_is_brought_up_to_date(store: Store) -> None:
    """Each application that an event tells of is kept with its commit, and each bundle that none tells of."""
    undone = (
        "DROP INDEX ix_verdict_undecided", "DROP TABLE application", "ALTER TABLE bundle ADD COLUMN git_commit TEXT",
        "ALTER TABLE bundle ADD COLUMN dirty BOOLEAN NOT NULL DEFAULT true",
        *(f"ALTER TABLE artifact DROP COLUMN {name}" for name in ("data", "body")),
        *(f'DROP TABLE "{name}"' for name in ("underway", "call", "claim", "ending", "pause", "run")),
        *(f'DROP TABLE "{name}"' for name in _TRACKED),
    )  # fmt: skip
    bundle = "INSERT INTO bundle (digest, project, at, git_commit, libraries, modules, actor) VALUES "
    event = "INSERT INTO event (id, at, kind, subject, actor, message, body) VALUES "
    with store.write() as tx:
        for statement in undone:
            tx.exec_driver_sql(statement)
        for values in ("('one', 'p', 10, 'c1', '{}', '{}', 'ann')", "('two', 'p', 5, NULL, '{}', '{}', 'bob')"):
            tx.exec_driver_sql(bundle + values)
        told = [("applied", "c1", "true"), ("applied", "c2", "false"), ("noted", "c3", "false")]
        for id, (kind, commit, dirty) in enumerate(told, 1):
            body = f'{{"bundle": "one", "commit": "{commit}", "dirty": {dirty}}}'
            tx.exec_driver_sql(f"{event} ({id}, {9 + id}, '{kind}', 'project:p', 'ann', '', '{body}')")
    _set_version(store, "0001")
    Store.open(store.home, blobs=store.blobs.root).close()
    with store.read() as conn:
        assert _differences(conn) == [] and migration.revision(conn) == migration.HEAD
        found, kept = applications.of(conn, ["one", "two"]), bundles.get(conn, "two")
    assert kept is not None and (kept.project, kept.actor) == ("p", "bob")
    assert [(each.id, each.git_commit, each.dirty, each.project) for each in found["one"]] == [
        (2, "c1", True, "p"), (3, "c2", False, "p"),
    ]  # fmt: skip
    assert [(each.id, each.git_commit, each.dirty, each.actor) for each in found["two"]] == [(1, None, True, "bob")]


def test_many_may_open_a_new_home_at_once(home: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        stores = list(pool.map(Store.open, [home] * 4))
    for store in stores:
        with store.read() as conn:
            assert migration.revision(conn) == migration.HEAD
        store.close()


def test_a_new_home_and_one_that_is_up_to_date_need_neither_alembic_nor_another_dialect(home: Path) -> None:
    program = (
        "import sys; from argosy.store import Store; Store.open(sys.argv[1]).close(); "
        "print({'alembic', 'sqlalchemy.dialects.postgresql'} & sys.modules.keys())"
    )
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", program, home], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "set()"
