"""Polars expressions as data: they fingerprint, travel and run without the project's code."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import msgspec

from argosy.spec import check

if TYPE_CHECKING:
    import polars as pl

# Node kinds of a serialised expression that carry pickled Python or load a shared library.
FORBIDDEN = frozenset(
    {"AnonymousFunction", "AnonymousAgg", "AnonymousStreamingAgg", "PythonUdf", "Plugin", "FfiPlugin"}
)
_PICKLE = b"PLPYUDF"
_LIMIT = 65_536


class Expression(msgspec.Struct, frozen=True):
    """A Polars expression in Polars' own JSON. It holds no Python code; one that does is refused."""

    polars: str

    def __post_init__(self) -> None:
        if len(self.polars) > _LIMIT:
            raise check.fail("expression", self.polars, f"at most {_LIMIT} bytes of JSON", "split it into several")
        try:
            tree = json.loads(self.polars)
        except json.JSONDecodeError as error:
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
        return cls(value.meta.serialize(format="json"))

    def expr(self) -> pl.Expr:
        """The expression itself."""
        import polars as pl

        return pl.Expr.deserialize(io.StringIO(self.polars), format="json")

    def columns(self) -> tuple[str, ...]:
        """The columns that it reads, each once, in order of first use."""
        return tuple(dict.fromkeys(self.expr().meta.root_names()))


def _forbidden(tree: Any) -> str | None:
    """The first node that would execute code outside Polars, found without deserialising."""
    stack = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            for key, value in node.items():
                if key in FORBIDDEN or "python" in key.lower():
                    return str(key)
                stack.append(value)
        elif isinstance(node, list):
            if bytes(x for x in node[: len(_PICKLE)] if isinstance(x, int) and 0 <= x < 256) == _PICKLE:
                return "pickled function"
            stack.extend(node)
    return None
