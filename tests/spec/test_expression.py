"""Expressions as data: they come back as they were, and nothing that holds code is taken, nor deserialised."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from polars.plugins import register_plugin_function

from argosy.errors import DeclarationError
from argosy.spec.expression import FORBIDDEN, Expression

FRAME = pl.DataFrame(
    {
        "a": [1, 2, None],
        "b": ["x", "y", "z"],
        "t": [datetime(2013, 1, 1, 5), datetime(2013, 7, 1), None],
        "python": [True, False, None],
    }
)
a, b, t = pl.col("a"), pl.col("b"), pl.col("t")
GOOD = [
    t.dt.hour(),
    t.dt.replace_time_zone("UTC").dt.convert_time_zone("America/New_York").dt.hour().cast(pl.Int32) * 60,
    pl.when(a > 1).then(pl.lit("big")).otherwise(b),
    b.is_in(["x", "y"]),
    b.replace_strict({"x": 1, "y": 2, "z": 3}),
    b.str.contains_any(["x"]),
    b.cast(pl.Enum(["x", "y", "z"])),
    a.is_between(1, 2),
    a.gather([0, 1]).sum(),
    t.dt.date() >= date(2013, 2, 1),
    t + timedelta(hours=1),
    t.dt.add_business_days(1, roll="forward", holidays=[date(2013, 1, 2)]),
    pl.concat_str(b, b),
    pl.struct(a, b).struct.field("a"),
    pl.sum_horizontal(a, a),
    pl.coalesce(a, 0),
    pl.lit(b"bytes"),
    pl.lit([1, 2, 3]).list.contains(2),
    a.alias("PythonUdf"),
    pl.col("python").name.suffix("_x"),
    pl.nth(0, 1).is_null().all(),
]


@pytest.mark.parametrize("expression", GOOD, ids=str)
def test_round_trip(expression: pl.Expr) -> None:
    found = Expression.of(expression, "x")
    again = Expression(found.polars)
    assert again == found
    assert FRAME.select(again.expr()).equals(FRAME.select(expression))


def test_columns() -> None:
    assert Expression.of(b + a + b, "x").columns() == ("b", "a")
    assert Expression.of("a", "x") == Expression.of(pl.col("a"), "x")
    assert Expression.of(Expression.of(a, "x"), "x").columns() == ("a",)


def python(*given: Any) -> Any:
    """A function that must not travel."""
    return given[0]


CODE: dict[str, Callable[[], pl.Expr]] = {
    "map_elements": lambda: a.map_elements(python, return_dtype=pl.Int64),
    "map_batches": lambda: a.map_batches(python),
    "map_groups": lambda: pl.map_groups(["a"], python, return_dtype=pl.Int64, returns_scalar=True),
    "map of two": lambda: pl.map_batches(["a", "b"], python),
    "reduce": lambda: pl.reduce(python, [a, b]),
    "fold": lambda: pl.fold(pl.lit(0), python, [a, b]),
    "cumulative fold": lambda: pl.cum_fold(pl.lit(0), python, [a, b]),
    "cumulative reduce": lambda: pl.cum_reduce(python, [a, b]),
    "name": lambda: a.name.map(python),
    "rolling": lambda: a.rolling_map(python, 3),
    "in a branch": lambda: pl.when(a > 1).then(a.map_batches(python)).otherwise(a),
    "in a list": lambda: pl.col("l").list.eval(pl.element().map_batches(python)),
    "over a group": lambda: a.map_batches(python).over("b"),
    "in a function": lambda: pl.sum_horizontal(a, a.map_batches(python)),
    "plugin": lambda: register_plugin_function(plugin_path=__file__, function_name="f", args=[a]),
}


@pytest.mark.parametrize("name", CODE)
def test_code_is_refused(name: str) -> None:
    with pytest.raises(DeclarationError, match="made of Polars' own functions, without Python code"):
        Expression.of(CODE[name](), "x")


@pytest.mark.parametrize("name", CODE)
def test_hand_written_code_is_refused_unopened(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text = CODE[name]().meta.serialize(format="json")
    nested = json.dumps(
        {"Function": {"input": [{"Column": "a"}, {"Alias": [json.loads(text), "x"]}], "function": "Abs"}}
    )

    def opened(*given: object, **named: object) -> None:
        raise AssertionError("it was deserialised")

    monkeypatch.setattr(pl.Expr, "deserialize", opened)
    for each in (text, nested):
        with pytest.raises(DeclarationError):
            Expression(each)


@pytest.mark.parametrize("key", sorted(FORBIDDEN))
def test_every_place_of_code_is_refused(key: str) -> None:
    trees: list[Any] = [
        {key: {}},
        [{"Alias": [{key: "cos\nsystem\n."}, "x"]}],
        {"Function": {"function": {key: [1, 2, 3, 4]}}},
    ]
    for tree in trees:
        with pytest.raises(DeclarationError, match=f"expression is '{key}'"):
            Expression(json.dumps(tree))


@pytest.mark.parametrize(
    "tree",
    [
        {"Function": {"new": [128, 5, 149, 46]}},
        {"Function": {"List": [128, 5, 149, 46]}},
        {"Literal": {"Series": [0, 255, 255, 255]}},
        [80, 76, 80, 89, 85, 68, 70],
    ],
)
def test_bytes_of_unknown_use_are_refused(tree: object) -> None:
    with pytest.raises(DeclarationError, match="expression is 'bytes in"):
        Expression(json.dumps(tree))


@pytest.mark.parametrize("text", ["", "a", "{", "[" * 60_000, '{"a":' * 9_000, "\x00"])
def test_not_json(text: str) -> None:
    with pytest.raises(DeclarationError, match="JSON of a Polars expression"):
        Expression(text)


def test_too_large() -> None:
    large = a.is_in(list(range(20_000)))
    with pytest.raises(DeclarationError, match="at most 65536 bytes"):
        Expression.of(large, "x")


def test_what_polars_cannot_read() -> None:
    deep = a
    for _ in range(200):
        deep = deep + 1
    with pytest.raises(DeclarationError, match="this version of Polars reads"):
        Expression.of(deep, "x")
    with pytest.raises(DeclarationError, match="this version of Polars reads"):
        Expression('{"Column": 5}').expr()


@pytest.mark.parametrize(
    "expression",
    [
        pl.col("a").mean(),
        pl.col("a") / pl.col("a").max(),
        pl.col("a").shift(1),
        pl.col("a").rank(),
        pl.col("a").sum().over("b"),
        pl.col("a").fill_null(strategy="forward"),
        pl.col("a").filter(pl.col("b") > 1),
        pl.col("a").sort(),
        pl.len(),
        pl.int_range(pl.len()),
        pl.all(),
        pl.col("a", "b"),
    ],
    ids=str,
)
def test_what_sees_other_rows_is_refused(expression: pl.Expr) -> None:
    with pytest.raises(DeclarationError, match=r"bad is .*; it must be (made of each row alone|one column)"):
        Expression.by_row(expression, "bad")


def test_what_is_made_of_one_row_is_taken() -> None:
    for expression in (
        a.log() + pl.coalesce("b", pl.lit(0)),
        pl.when(a > 1).then(pl.lit("far")).otherwise(pl.lit("near")),
        pl.lit(1),
        a.is_in([1, 2]) & pl.col("b").str.to_lowercase().is_not_null(),
        pl.col("t").dt.convert_time_zone("America/New_York").dt.hour(),
    ):
        assert Expression.by_row(expression, "x") == Expression.of(expression, "x")
