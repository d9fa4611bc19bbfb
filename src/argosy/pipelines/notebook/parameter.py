"""A constant of a notebook as a parameter of its pipeline."""

from __future__ import annotations

import ast
from typing import Any, NamedTuple

from argosy.errors import InputError
from argosy.pipelines.notebook.statement import Statement

_SCALARS = (bool, int, float, str)


class Parameter(NamedTuple):
    """`annotation` is empty where the default tells no type, as None does not."""

    name: str
    annotation: str
    default: str

    def __str__(self) -> str:
        return f"{self.name}: {self.annotation} = {self.default}" if self.annotation else f"{self.name}={self.default}"

    @property
    def taken(self) -> str:
        """The parameter as a step takes it, without a default."""
        return f"{self.name}: {self.annotation}" if self.annotation else self.name


def parameters(statement: Statement, *, paths: bool) -> list[Parameter]:
    """The parameters that an assignment makes; `Path("…")` may be a default if the notebook imports it (`paths`).

    Raises InputError for all else.
    """
    match statement.node:
        case ast.Expr(ast.Constant()) | ast.Pass():
            return []
        case ast.Assign(targets, value) if all(isinstance(each, ast.Name) for each in targets):
            names, annotation = [ast.unparse(each) for each in targets], ""
        case ast.AnnAssign(ast.Name(name), hint, ast.expr() as value):
            names, annotation = [name], ast.unparse(hint)
        case _:
            raise _refused(statement)
    if paths and (path := _path(value)):
        return [Parameter(name, annotation or "Path", path) for name in names]
    try:
        constant = ast.literal_eval(value)
    except ValueError:
        raise _refused(statement) from None
    return [Parameter(name, annotation or _type(constant), written(value)) for name in names]


def written(node: ast.expr) -> str:
    """A constant on one line, with double quotes."""
    match node:
        case ast.Constant(str(text)):
            return _quoted(text)
        case ast.List(items):
            return f"[{', '.join(map(written, items))}]"
        case ast.Set(items):
            return f"{{{', '.join(map(written, items))}}}"
        case ast.Tuple([item]):
            return f"({written(item)},)"
        case ast.Tuple(items):
            return f"({', '.join(map(written, items))})"
        case ast.Dict(keys, values):
            pairs = zip(keys, values, strict=True)
            return f"{{{', '.join(f'{written(key)}: {written(value)}' for key, value in pairs if key)}}}"
    return ast.unparse(node)


def _quoted(text: str) -> str:
    plain = repr(text)
    return f'"{plain[1:-1]}"' if plain[0] == "'" and '"' not in plain else plain


def _type(value: object) -> str:
    match value:
        case bool() | int() | float() | str():
            return type(value).__name__
        case list() | set() if inner := _common(value):
            return f"{type(value).__name__}[{inner}]"
        case tuple() if inner := _common(value):
            return f"tuple[{inner}, ...]"
        case dict() if (key := _common(value)) and (inner := _common(value.values())):
            return f"dict[{key}, {inner}]"
        case list() | set() | tuple() | dict():
            return type(value).__name__
    return ""


def _common(values: Any) -> str:
    kinds = {type(each) for each in values}
    kinds -= {int} if kinds == {int, float} else set()
    return kinds.pop().__name__ if len(kinds) == 1 and kinds <= set(_SCALARS) else ""


def _path(node: ast.expr) -> str:
    """A call of Path with a text, written anew; empty for all else."""
    match node:
        case ast.Call(ast.Name("Path"), [ast.Constant(str(text))], []):
            return f"Path({_quoted(text)})"
    return ""


def _refused(statement: Statement) -> InputError:
    return InputError(
        f"{statement.cell.number_only} is tagged parameters and holds {statement.text.splitlines()[0]!r}, which is no "
        "assignment of a constant",
        next="move it into a step",
    )
