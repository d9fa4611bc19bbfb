"""Request features: expressions over the columns of one request row, the same when training and when serving."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from argosy.errors import InputError
from argosy.features.source import require


def roots(expressions: Mapping[str, pl.Expr]) -> tuple[str, ...]:
    """The columns that a frame must hold for these expressions, sorted, each once."""
    return tuple(sorted({name for expression in expressions.values() for name in expression.meta.root_names()}))


def apply(expressions: Mapping[str, pl.Expr], frame: pl.DataFrame) -> pl.DataFrame:
    """Add one column per expression, each computed from the columns that `frame` came with; rows stay as they are.

    An expression named like a column takes its place. Raises `InputError` that names every missing column, or the
    feature whose expression does not fit the types of the frame.
    """
    require(roots(expressions), frame.columns, f"request features {', '.join(map(repr, expressions))}")
    try:
        return frame.with_columns(expression.alias(name) for name, expression in expressions.items())
    except pl.exceptions.PolarsError:
        for name, expression in expressions.items():
            _apply_one(name, expression, frame)
        raise


def _apply_one(name: str, expression: pl.Expr, frame: pl.DataFrame) -> None:
    try:
        frame.with_columns(expression.alias(name))
    except pl.exceptions.PolarsError as error:
        types = {root: str(frame.schema[root]) for root in dict.fromkeys(expression.meta.root_names())}
        raise InputError(
            f"request feature {name!r} does not fit the rows ({types}): {str(error).splitlines()[0]:.300}",
            next="send the columns in the types that the feature was declared for",
        ) from error
