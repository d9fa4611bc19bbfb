"""What the cells of a notebook hold, sorted by what becomes of it."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Collection, Iterable
from typing import Final, NamedTuple

from argosy.errors import InputError
from argosy.pipelines.notebook import cell, statement
from argosy.pipelines.notebook.cell import Cell, Notebook
from argosy.pipelines.notebook.flow import flow
from argosy.pipelines.notebook.parameter import Parameter, parameters
from argosy.pipelines.notebook.statement import Body, Statement
from argosy.spec.change import Names

BUILTIN: Final = frozenset(dir(builtins))
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_WORK = (ast.Call, ast.Await, ast.comprehension, ast.NamedExpr)


class Portion(NamedTuple):
    """A cell of a step and the statements that it adds to it."""

    cell: Cell
    statements: tuple[Statement, ...]


class Contents(NamedTuple):
    """The parts of a notebook.

    `top` is the code of the module's top level, without its imports, in the order of the notebook. `returns` are the
    names that comments ask for, each with its cell. `dropped` are cells that are left out, and `notes` say what is.
    """

    imports: tuple[Statement, ...]
    parameters: tuple[Parameter, ...]
    top: tuple[Statement, ...]
    portions: tuple[Portion, ...]
    returns: tuple[tuple[str, Cell], ...]
    dropped: tuple[Cell, ...]
    notes: tuple[str, ...]

    @property
    def imported(self) -> Names:
        """The names that imports bind."""
        return _binds(self.imports)

    @property
    def known(self) -> Names:
        """The names of the module's top level."""
        return self.imported | _binds(self.top)


def contents(notebook: Notebook) -> Contents:
    """Sort the cells of a notebook.

    Functions and classes of a step that read nothing of any step go to the top, too, so that other steps can call them.
    Raises InputError for a cell that is kept and is no Python, and for `from … import *`.
    """
    sorter = _Sorter(notebook)
    for each in notebook.cells:
        sorter.add(each)
    return _lifted(sorter.contents())


def is_function(node: ast.stmt) -> bool:
    """Whether a statement does nothing but define a function or class."""
    return isinstance(node, _FUNCTIONS) or (isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda))


class _Sorter:
    def __init__(self, notebook: Notebook) -> None:
        self._imports: list[Statement] = []
        self._parameters: dict[str, Parameter] = {}
        self._top: list[Statement] = []
        self._portions: list[Portion] = []
        self._returns: list[tuple[str, Cell]] = []
        self._dropped: list[Cell] = []
        self._notes: list[str] = []
        self._name = notebook.name

    def contents(self) -> Contents:
        return Contents(
            tuple(self._imports), tuple(self._parameters.values()), tuple(self._top), tuple(self._portions),
            tuple(self._returns), tuple(self._dropped), tuple(self._notes),
        )  # fmt: skip

    def add(self, each: Cell) -> None:
        if each.role == cell.SKIP:
            self._dropped.append(each)
            return
        try:
            body = statement.body(each)
        except InputError:
            if each.role != cell.UNTAGGED:
                raise
            body = Body((), (), ("",))
        if each.role == cell.UNTAGGED and (body.left or not self._defines(body.statements)):
            self._dropped.append(each)
            tags = f"its tags ({', '.join(each.tags)}) say nothing" if each.tags else "it has no tag"
            self._notes.append(f"{each} is left out: {tags} of what it is for")
            return
        self._notes += [f"{each.number_only} is kept without its line {line}" for line in body.left]
        self._returns += [(name, each) for name in body.returns]
        kept = [one for one in body.statements if not self._is_import(one)]
        match each.role:
            case cell.PARAMETERS:
                paths = "Path" in _binds(self._imports)
                made = [one for each in kept for one in parameters(each, paths=paths)]
                self._parameters |= {one.name: one for one in made}
            case cell.STEP:
                self._portions.append(Portion(each, tuple(one for one in kept if not self._is_display(one))))
            case _:
                self._top += kept

    def _defines(self, statements: Iterable[Statement]) -> bool:
        """Whether statements only import, and define functions, classes and constants."""
        known = set(BUILTIN | _binds(self._imports) | _binds(self._top))
        for each in statements:
            made = flow([each.node])
            known |= made.binds
            constant = isinstance(each.node, ast.Assign | ast.AnnAssign) and made.binds and made.reads <= known
            busy = any(isinstance(node, _WORK) for node in ast.walk(each.node))
            documents = isinstance(each.node, ast.Expr) and isinstance(each.node.value, ast.Constant)
            imports = isinstance(each.node, ast.Import | ast.ImportFrom)
            if not (imports or documents or is_function(each.node) or (constant and not busy)):
                return False
        return True

    def _is_import(self, one: Statement) -> bool:
        if not isinstance(one.node, ast.Import | ast.ImportFrom):
            return False
        if any(alias.name == "*" for alias in one.node.names):
            raise InputError(
                f"{one.cell.number_only} has {ast.unparse(one.node)!r}, which hides what it defines",
                next="import the names that are used, one by one",
            )
        self._imports.append(one)
        return True

    def _is_display(self, one: Statement) -> bool:
        match one.node:
            case ast.Expr(ast.Call(ast.Name("display"))) if "display" not in _binds(self._imports):
                self._notes.append(f"{one.cell.number_only} is kept without its line {one.text.splitlines()[0]}")
                return True
        return False


def _lifted(found: Contents) -> Contents:
    """The same with the functions and classes of steps at the top that can be there."""
    inner = [one for portion in found.portions for one in portion.statements]
    others = _binds(one for one in inner if not is_function(one.node)) | {each.name for each in found.parameters}
    bound = [name for one in inner for name in flow([one.node]).binds]
    lifted = [one for one in inner if is_function(one.node) and all(bound.count(n) == 1 for n in _binds([one]))]
    while True:
        known = (BUILTIN | found.known | _binds(lifted)) - others
        fitting = [one for one in lifted if flow([one.node]).reads <= known]
        if len(fitting) == len(lifted):
            break
        lifted = fitting
    moved = {id(one.node) for one in lifted}
    portions = (
        each._replace(statements=tuple(one for one in each.statements if id(one.node) not in moved))
        for each in found.portions
    )
    top = sorted([*found.top, *lifted], key=lambda one: (one.cell.number, one.node.lineno))
    return found._replace(top=_distinct(top), portions=tuple(portions))


def _distinct(top: Collection[Statement]) -> tuple[Statement, ...]:
    """Without definitions that say the same again. Raises InputError where two cells define a name differently."""
    seen: dict[str, Statement] = {}
    kept = []
    for one in top:
        before = next((seen[name] for name in _binds([one]) if name in seen), None)
        if before is not None and before.cell != one.cell:
            if ast.dump(before.node) == ast.dump(one.node):
                continue
            name = next(name for name in sorted(_binds([one])) if name in seen)
            raise InputError(
                f"{before.cell.number_only} and {one.cell.number_only} both define {name}, for the top of a module",
                next="rename one, or tag its cell as a step",
            )
        seen |= dict.fromkeys(_binds([one]), one)
        kept.append(one)
    return tuple(kept)


def _binds(statements: Iterable[Statement]) -> Names:
    return flow(one.node for one in statements).binds
