"""What the statements of a module do to its names while it is imported, besides binding them."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterable, Iterator
from typing import TypeVar

from argosy.spec.change import Function, Names, changed, changing, shared

_Function = TypeVar("_Function", ast.FunctionDef, ast.AsyncFunctionDef)


class Effects:
    """The objects that each statement of a module changes, also by what it calls of the module: a function, a decorator
    or a class, which may keep what they are given in another name of it.

    Known by the names that stand for them, here and in functions. What a function of another module does to an object
    is known only where nobody takes its result.
    """

    def __init__(self, body: Iterable[ast.stmt]) -> None:
        body = list(body)
        self._given = changing(body)
        self._called: dict[str, Names] = {}
        while (again := self._again(body)) != self._called:
            self._called = again
        self._shared = shared(map(_executed, body))

    def of(self, statement: ast.stmt) -> Names:
        """The names whose objects a statement changes."""
        executed = _executed(statement)
        found = {*changed([executed], self._given), *self._through(executed)}
        while more := {whole for part, whole in self._shared if part in found} - found:
            found |= more
        return frozenset(found)

    def _own(self, definition: ast.stmt) -> Names:
        """The names outside of a function, or of a class's methods, that it changes."""
        if isinstance(definition, ast.ClassDef):
            return frozenset[str]().union(*map(self._own, definition.body))
        if not isinstance(definition, Function):
            return frozenset()
        inside = [each for each in ast.walk(definition) if each is not definition]
        outer = {name for each in inside if isinstance(each, ast.Global) for name in each.names}
        local = {each.arg for each in inside if isinstance(each, ast.arg)}
        local |= {each.id for each in inside if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)}
        return frozenset((changed(definition.body, self._given) - local) | outer)

    def _again(self, body: Iterable[ast.stmt]) -> dict[str, Names]:
        """What calling each function or class changes, by its name, as far as that is known of those that it calls."""
        found: dict[str, Names] = {}
        for each in ast.walk(ast.Module([*body], [])):
            if isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                found[each.name] = found.get(each.name, frozenset()).union(self._own(each), self._through(each))
        return found

    def _through(self, node: ast.AST) -> Iterator[str]:
        """What is changed by what code calls."""
        for each in ast.walk(node):
            match each:
                case ast.Call(ast.Name(name)):
                    yield from self._called.get(name, ())
                case ast.ClassDef(bases=above, decorator_list=over):
                    yield from self._named([*above, *over])
                case ast.FunctionDef(decorator_list=over) | ast.AsyncFunctionDef(decorator_list=over):
                    yield from self._named(over)

    def _named(self, nodes: Iterable[ast.expr]) -> Iterator[str]:
        for each in nodes:
            if isinstance(each, ast.Name):
                yield from self._called.get(each.id, ())


class _Executed(ast.NodeTransformer):
    """Takes out the bodies of functions, which are not executed where they are defined."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        """A function."""
        return self._empty(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AsyncFunctionDef:
        """An asynchronous function."""
        return self._empty(node)

    def visit_Lambda(self, node: ast.Lambda) -> ast.Constant:
        """A lambda."""
        return ast.copy_location(ast.Constant(None), node)

    def _empty(self, node: _Function) -> _Function:
        node.body = [ast.Pass()]
        return node


def _executed(statement: ast.stmt) -> ast.AST:
    """What of a statement is executed when its module is imported."""
    found: ast.AST = _Executed().visit(copy.deepcopy(statement))
    return found
