"""Conditions over many values at once: one parameter, and the index is used."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select
from sqlalchemy.dialects import sqlite

from argosy.store import Store, members, schema
from argosy.store.rows import among
from argosy.testing.sample import moment


def test_values_are_looked_up_by_the_index_and_the_statement_is_made_once(tmp_path: Path) -> None:
    c = schema.event.c
    first, second = (select(c.id).where(among(c.subject, values)) for values in (["a"], ["b", "c", "d"]))
    assert str(first.compile(dialect=sqlite.dialect())) == str(second.compile(dialect=sqlite.dialect()))
    key, other = first._generate_cache_key(), second._generate_cache_key()
    assert key is not None
    assert key == other
    with Store.open(tmp_path / "home") as store, store.read() as conn:
        sql = str(first.compile(dialect=sqlite.dialect()))
        plan = [line[-1] for line in conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", ('["a"]',))]
    assert plan[0].startswith("SEARCH event USING")


def test_the_opposite_holds_too(tmp_path: Path) -> None:
    key, keys = schema.member.c.key, select(schema.member.c.key).order_by(schema.member.c.key)
    with Store.open(tmp_path / "home") as store, store.write() as tx:
        members.ensure(tx, "f", "abcde", moment())
        assert tx.execute(keys.where(among(key, ["d", "b", "z"]))).scalars().all() == ["b", "d"]
        assert tx.execute(keys.where(~among(key, ["d", "b", "z"]))).scalars().all() == ["a", "c", "e"]
        assert tx.execute(keys.where(among(key, []))).scalars().all() == []


def test_instants_are_looked_up_as_they_are_kept(tmp_path: Path) -> None:
    with Store.open(tmp_path / "home") as store, store.write() as tx:
        for hours, keys in enumerate(["ab", "c"]):
            members.ensure(tx, "f", keys, moment(hours))
        found = tx.execute(select(schema.member.c.key).where(among(schema.member.c.at, [moment(1), moment(7)])))
        assert found.scalars().all() == ["c"]
