"""The filter language: what it accepts, what it refuses, and that it means the same as plain Python."""

from __future__ import annotations

import fnmatch
import operator
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Boolean, Column, Integer, MetaData, Table, Text, create_engine, select

from argosy.errors import InputError
from argosy.store import filters
from argosy.store.codec import Instant, Json, Number
from argosy.store.filters import Term

ROWS: list[dict[str, Any]] = [
    {"id": 1, "name": "JFK/AA", "size": 3, "loss": 0.5, "ok": True, "at": datetime(2013, 1, 1, tzinfo=UTC)},
    {"id": 2, "name": "jfk/aa", "size": None, "loss": -1.0, "ok": False, "at": datetime(2013, 2, 1, tzinfo=UTC)},
    {"id": 3, "name": "a b", "size": 0, "loss": None, "ok": None, "at": None},
    {"id": 4, "name": 'x"*[?]\\', "size": -7, "loss": 2.5, "ok": True, "at": datetime(2013, 1, 1, 12, tzinfo=UTC)},
    {"id": 5, "name": None, "size": 3, "loss": 0.0, "ok": False, "at": datetime(2012, 1, 1, tzinfo=UTC)},
]
TABLE = Table(
    "thing",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("name", Text),
    Column("size", Integer),
    Column("loss", Number),
    Column("ok", Boolean),
    Column("at", Instant),
    Column("body", Json),
)
READ: dict[str, Callable[[str], Any]] = {
    "name": str,
    "size": int,
    "loss": float,
    "ok": "true".__eq__,
    "at": datetime.fromisoformat,
}
COMPARE = {":": operator.eq, ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le}
FIELDS = {column.name: column for column in TABLE.c}
engine = create_engine("sqlite://")
TABLE.metadata.create_all(engine)
with engine.begin() as connection:
    connection.execute(TABLE.insert(), ROWS)


def _chosen(text: str) -> list[int]:
    with engine.connect() as conn:
        query = select(TABLE.c.id).where(*filters.clauses(text, FIELDS, dialect="sqlite")).order_by(TABLE.c.id)
        return list(conn.execute(query).scalars())


def _holds(term: Term, row: dict[str, Any]) -> bool:
    """The meaning of a term, said again in Python."""
    cell = row[term.field]
    if term.value == "none" and not term.quoted:
        found = cell is None
    elif term.field == "name" and "*" in term.value and not term.quoted and term.operator == ":":
        pattern = re.sub(r"([?\[])", r"[\1]", term.value)
        found = cell is not None and fnmatch.fnmatchcase(cell, pattern)
    else:
        found = cell is not None and COMPARE[term.operator](cell, READ[term.field](term.value))
    return found != term.negated


signs = st.sampled_from([":", ">", ">=", "<", "<="])
values = {
    "name": st.sampled_from(["JFK/AA", "JFK*", "*a*", "a*b", "*[?]*", "zz"]),
    "size": st.integers(-9, 9).map(str),
    "loss": st.sampled_from(["0", "0.5", "-1", "1e3"]),
    "at": st.sampled_from(["2013-01-01T00:00:00+00:00", "2013-01-15T00:00:00+00:00"]),
}
terms = st.one_of(
    *(st.builds(Term, st.just(field), signs, value, st.booleans()) for field, value in values.items()),
    st.builds(Term, st.just("name"), signs, st.sampled_from(["a b", 'x"*[?]\\', "none"]), st.booleans(), st.just(True)),
    st.builds(Term, st.sampled_from([*values, "ok"]), st.just(":"), st.just("none"), st.booleans()),
    st.builds(Term, st.just("ok"), st.just(":"), st.sampled_from(["true", "false"]), st.booleans()),
)


@given(st.lists(terms, max_size=3))
def test_a_filter_means_what_python_says(chosen: list[Term]) -> None:
    text = " ".join(map(str, chosen))
    assert _chosen(text) == [row["id"] for row in ROWS if all(_holds(term, row) for term in chosen)]


@given(
    st.lists(
        st.builds(
            Term,
            st.from_regex(r"[a-z_]{1,8}", fullmatch=True),
            signs,
            st.text(st.characters(codec="utf-8")),
            st.booleans(),
            st.just(True),
        )
    )
)
def test_what_is_printed_is_parsed_again(chosen: list[Term]) -> None:
    assert filters.parse("  ".join(map(str, chosen))) == chosen


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("delayed", "at character 1: 'delayed'"),
        ("size>1 and ok:true", "at character 7: 'and ok:true'"),
        ('name:"open', "at character 1"),
        ('name:"a"b', "at character 1"),
        ("size:", "at character 1"),
        ("sise>1", "no field 'sise'"),
        ("body:1", "no field 'body'"),
        ("size>many", "size>many needs a whole number"),
        ("size>1.5", "needs a whole number"),
        ("size>99999999999999999999", "needs a whole number"),
        ("loss>x", "needs a number"),
        ("loss:nan", "needs a number"),
        ("ok:yes", "needs true or false"),
        ("at>yesterday", "needs an ISO 8601 time"),
        ("size>none", "compares with nothing"),
        ('name:"a\0b"', "zero byte"),
    ],
)
def test_what_cannot_be_meant_is_refused(text: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        _chosen(text)
    assert says in caught.value.message
    assert caught.value.next
