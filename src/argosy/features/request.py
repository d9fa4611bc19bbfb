"""Request features: expressions over the columns of one request row, the same when training and when serving."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import polars as pl

from argosy.errors import DeclarationError, InputError
from argosy.features.source import require


def roots(expressions: Mapping[str, pl.Expr]) -> tuple[str, ...]:
    """The columns that a frame must hold for these expressions, sorted, each once."""
    return tuple(sorted({name for expression in expressions.values() for name in expression.meta.root_names()}))


def check(expressions: Mapping[str, pl.Expr]) -> None:
    """Raise `DeclarationError` unless each expression gives one value per row, from that row alone.

    An aggregate, a shift, a rank or a window sees other rows of its batch, so its value would depend on who else asks;
    a Python function does not travel with a fingerprint.
    """
    for name, expression in expressions.items():
        if expression.meta.has_multiple_outputs():
            raise _wrong(name, expression, "it selects several columns", "write one expression per feature")
        for part in _parts(expression):
            try:
                alone = part.meta.is_row_separable() and (part.meta.is_length_preserving() or part.meta.is_scalar())
            except pl.exceptions.ColumnNotFoundError as error:  # what Polars says of a Python function
                raise _wrong(name, part, "it calls a Python function", "write it with Polars expressions") from error
            if not alone:
                raise _wrong(name, part, "its value depends on other rows", "compute it in a feature view instead")


def apply(expressions: Mapping[str, pl.Expr], frame: pl.DataFrame) -> pl.DataFrame:
    """Add one column per expression, each computed from the columns that `frame` came with; rows stay as they are.

    An expression named like a column takes its place. The expressions have passed `check`. Raises `InputError` that
    names every missing column, or the feature whose expression does not fit the types of the frame.
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


def _parts(expression: pl.Expr) -> Iterator[pl.Expr]:
    """The expression and everything it is made of: what Polars says of the whole does not cover its parts."""
    yield expression
    for part in expression.meta.pop():
        yield from _parts(part)


def _wrong(name: str, part: pl.Expr, why: str, next: str) -> DeclarationError:
    return DeclarationError(f"request feature {name!r}: {why}: {str(part)[:120]}", next=next)
