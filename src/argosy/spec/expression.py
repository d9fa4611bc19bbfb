"""Polars expressions as data: they fingerprint, travel and run without the project's code."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Meta

from argosy.spec import check
from argosy.spec.declared import Declared

if TYPE_CHECKING:
    import polars as pl

# Keys of a serialised expression under which Polars expects pickled Python, a shared library, or a whole query.
FORBIDDEN = frozenset(
    {
        "AnonymousFunction", "AnonymousAgg", "AnonymousStreamingAgg", "PythonUdf", "Plugin", "FfiPlugin", "SpecialEq",
        "FoldHorizontal", "ReduceHorizontal", "CumFoldHorizontal", "CumReduceHorizontal", "callback", "Map", "SubPlan",
        "Object",
    }
)  # fmt: skip
# The only places of bytes: values as an Arrow stream (which holds no Python objects), binary text, column numbers.
_ARROW = {"Series", "List", "Array", "Struct", "strings"}
_BYTES = {"Binary", "BinaryOwned", "indices"}
_STREAM = [255, 255, 255, 255]
_LIMIT = 65_536


class Expression(Declared, frozen=True):
    """A Polars expression in Polars' own JSON. It holds no Python code; one that does is refused."""

    polars: Annotated[str, Meta(extra_json_schema={"maxLength": _LIMIT})]

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.polars) > _LIMIT:
            raise check.fail("expression", self.polars, f"at most {_LIMIT} bytes of JSON", "split it into several")
        try:
            tree = json.loads(self.polars)
        except (json.JSONDecodeError, RecursionError) as error:
            raise check.fail("expression", self.polars, "JSON of a Polars expression", "pass a pl.Expr") from error
        kind = _forbidden(tree)
        if kind:
            raise check.fail(
                "expression", kind, "made of Polars' own functions, without Python code (map_elements, map_batches)",
                "write it with Polars expressions, or move it into a feature view",
            )  # fmt: skip

    @classmethod
    def of(cls, value: object, field: str) -> Expression:
        """From a `pl.Expr`, an Expression, or the name of a column."""
        if isinstance(value, Expression):
            return value
        import polars as pl

        if isinstance(value, str):
            value = pl.col(value)
        check.instance(field, value, pl.Expr, "a Polars expression, such as pl.col('t').dt.hour()")
        assert isinstance(value, pl.Expr)
        made = cls(value.meta.serialize(format="json"))
        made.expr()
        return made

    def expr(self) -> pl.Expr:
        """The expression itself."""
        import polars as pl

        try:
            return pl.Expr.deserialize(io.StringIO(self.polars), format="json")
        except pl.exceptions.ComputeError as error:
            raise check.fail(
                "expression", self.polars, "JSON that this version of Polars reads", "pass a pl.Expr"
            ) from error

    @classmethod
    def by_row(cls, value: object, field: str) -> Expression:
        """As `of`, of an expression that gives one value per row, from that row alone.

        An aggregate, a shift, a rank or a window sees other rows of its batch, so its value would depend on who else
        is there: on who else asks, or is trained at the same time.
        """
        made = cls.of(value, field)
        whole = made.expr()
        if whole.meta.has_multiple_outputs():
            raise check.fail(field, str(whole), "one column", "write one expression per column")
        for part in _parts(whole):
            if not (part.meta.is_row_separable() and (part.meta.is_length_preserving() or part.meta.is_scalar())):
                raise check.fail(
                    field, str(part), "made of each row alone", "compute what depends on other rows in a feature view"
                )
        return made

    def columns(self) -> tuple[str, ...]:
        """The columns that it reads, each once, in order of first use."""
        return tuple(dict.fromkeys(self.expr().meta.root_names()))


def _parts(expression: pl.Expr) -> Iterator[pl.Expr]:
    """The expression and everything it is made of: what Polars says of the whole does not cover its parts."""
    yield expression
    for part in expression.meta.pop():
        yield from _parts(part)


def _forbidden(tree: Any) -> str | None:
    """The first node that would execute code outside Polars, found without deserialising."""
    stack: list[tuple[str, Any]] = [("", tree)]
    while stack:
        place, node = stack.pop()
        if isinstance(node, dict):
            for key, value in node.items():
                if key in FORBIDDEN or "python" in key.lower():
                    return str(key)
                stack.append((key, value))
        elif isinstance(node, list):
            if _is_bytes(node) and not _is_data(place, node):
                return f"bytes in {place}"
            stack.extend((place, item) for item in node)
    return None


def _is_bytes(node: list[Any]) -> bool:
    """Whether a list may stand for bytes that are code: such need more than three."""
    return len(node) > 3 and all(type(item) is int and 0 <= item < 256 for item in node)


def _is_data(place: str, numbers: list[int]) -> bool:
    return place in _BYTES or (place in _ARROW and numbers[: len(_STREAM)] == _STREAM)
