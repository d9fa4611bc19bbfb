"""The steps of a notebook: cells joined by name, and what the last of them shows."""

from __future__ import annotations

import ast
import keyword
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from typing import Final, NamedTuple

from argosy.errors import InputError
from argosy.pipelines.notebook.cell import Cell
from argosy.pipelines.notebook.contents import Portion
from argosy.pipelines.notebook.effect import effect
from argosy.pipelines.notebook.statement import Statement
from argosy.spec.change import Names

_LONGEST: Final = 48


class Step(NamedTuple):
    """A function to be: `takes` artifacts and parameters, `gives` artifacts, each by its name in the notebook.

    `value` is the last statement if what it evaluates to is what the pipeline returns.
    """

    name: str
    portions: tuple[Portion, ...]
    takes: tuple[str, ...] = ()
    gives: tuple[str, ...] = ()
    value: Statement | None = None

    @property
    def statements(self) -> list[Statement]:
        """All of it, in order."""
        return [one for portion in self.portions for one in portion.statements]

    @property
    def order(self) -> dict[str, int]:
        """The place of every name by its first mention."""
        nodes = (
            sorted((each.lineno, each.col_offset, each.id) for each in ast.walk(one.node) if isinstance(each, ast.Name))
            for one in self.statements
        )
        names = dict.fromkeys(name for mentions in nodes for _, _, name in mentions)
        return {name: place for place, name in enumerate(names)}

    def plain(self, value: Statement | None) -> Step:
        """The step without lines that only show something, but for `value`."""
        return self._replace(
            portions=tuple(
                each._replace(
                    statements=tuple(one for one in each.statements if one is value or not _is_mention(one.node))
                )
                for each in self.portions
            )
        )

    def result(self) -> tuple[tuple[str, ...], Statement | None]:
        """What the last line shows, or binds if it shows nothing: names, or a statement of some other value."""
        shown = [one for one in self.statements if not _is_printing(one.node)]
        last = shown[-1] if shown else None
        match last.node if last else None:
            case ast.Expr(ast.expr() as value) if _names(value):
                return _names(value), None
            case ast.Expr() if last is self.statements[-1]:
                return (), last
            case ast.Assign(targets):
                return tuple(name for each in targets for name in _names(each)), None
            case ast.AnnAssign(ast.Name(name), value=ast.expr()) | ast.AugAssign(ast.Name(name)):
                return (name,), None
        return (), None


def joined(portions: Iterable[Portion], functions: Mapping[str, Names]) -> list[Step]:
    """Steps in the order of their first cells; `functions` as for `effect`.

    Raises InputError where a later cell of the same name would mean something else if it moved up to the first.
    """
    steps: dict[str, list[Portion]] = {}
    between: dict[str, list[Portion]] = {}
    for portion in portions:
        name = _name(portion.cell, steps)
        for other in between.get(name, []):
            clash = effect(portion.statements, functions).clash(effect(other.statements, functions))
            if clash:
                raise InputError(
                    f"{portion.cell.number_only} cannot be one step {name} with {steps[name][0].cell.number_only}: "
                    f"{other.cell.number_only} comes between them, and what it does with {min(clash)} matters to it",
                    next=f"give {portion.cell.number_only} a step of its own",
                )
        steps.setdefault(name, []).append(portion)
        between.setdefault(name, [])
        for each in between.keys() - {name}:
            between[each].append(portion)
    return [Step(name, tuple(each)) for name, each in steps.items()]


def identifier(text: str) -> str:
    """A text as a name of Python's and of a step's: lower case, beginning with a letter; empty where it has none."""
    letters = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    name = re.sub(r"[\W_]+", "_", letters).lstrip("_0123456789").rstrip("_")[:_LONGEST]
    return f"{name}_" if keyword.iskeyword(name) else name


def _name(cell: Cell, taken: Collection[str]) -> str:
    """The name of the tag, else of the heading, else a number."""
    if cell.step:
        if not identifier(cell.step):
            raise InputError(
                f"{cell} is tagged step:{cell.step}, which has no letter of a to z", next="name it by a word"
            )
        return identifier(cell.step)
    told = identifier("_".join(cell.heading.lower().split()[:4]))
    return told if told and told not in taken else f"step_{len(taken) + 1}"


def _is_mention(node: ast.stmt) -> bool:
    """Whether a statement is an expression that does nothing: it calls nothing but, at most, a view of a table."""
    match node:
        case ast.Expr(ast.Call(ast.Attribute(value, "describe" | "head" | "tail" | "value_counts"))):
            node = ast.Expr(value)
    works = any(isinstance(each, ast.Call | ast.NamedExpr) for each in ast.walk(node))
    return isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and not works)


def _is_printing(node: ast.stmt) -> bool:
    match node:
        case ast.Expr(ast.Call(ast.Name("print") | ast.Attribute(attr="show"))) | ast.Expr(ast.Constant()):
            return True
    return isinstance(node, ast.Pass)


def _names(node: ast.expr) -> tuple[str, ...]:
    """A name, or the names of a tuple of nothing else."""
    match node:
        case ast.Name(name):
            return (name,)
        case ast.Tuple(items) if all(isinstance(each, ast.Name) for each in items):
            return tuple(dict.fromkeys(each.id for each in items if isinstance(each, ast.Name)))
    return ()
