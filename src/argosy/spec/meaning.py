"""The meaning of a statement: its syntax without docstrings, unread annotations and decorators that declare."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable
from typing import TypeVar

_Function = TypeVar("_Function", ast.FunctionDef, ast.AsyncFunctionDef)
_Scope = TypeVar("_Scope", ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)

Origin = Callable[[ast.expr], str]
"""The package that a decorator comes from; empty for a name of the module's own, or a builtin."""

_DECLARES = "argosy"  # its decorators declare; what they say is fingerprinted as a declaration
_BLIND = {"abc", "contextlib", "functools", "typing"}  # their decorators look at no annotation
_BUILTINS = {"classmethod", "property", "staticmethod"}


class Meaning(ast.NodeTransformer):
    """Reduces copies of statements; `hints` are the annotations that it took off.

    A function's annotations stay where a decorator may read them, as one that dispatches or validates by type does.
    Those of a class's variables and methods stay where it has a base, a keyword or such a decorator: so dataclasses,
    msgspec structs, named tuples and typed dicts are made. With `annotated`, all stay, and
    docstrings.
    """

    def __init__(self, origin: Origin, *, annotated: bool = False) -> None:
        self.hints: list[ast.expr] = []
        self._origin = origin
        self._annotated = annotated
        self._read = annotated  # whether the annotations of variables and methods are read where we are

    def reduce(self, statement: ast.stmt) -> ast.stmt:
        """A copy with nothing but what counts."""
        found = self.visit(copy.deepcopy(statement))
        assert isinstance(found, ast.stmt)
        return found

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        """A function."""
        return self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AsyncFunctionDef:
        """An asynchronous function."""
        return self._function(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        """A class, whose own annotations may be read."""
        sees = self._trim(node)
        return self._inside(node, read=self._annotated or sees or bool(node.bases or node.keywords))

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.stmt:
        """A variable with an annotation."""
        self.generic_visit(node)
        if self._read:
            return node
        self.hints.append(node.annotation)
        if node.value is not None:
            return ast.copy_location(ast.Assign([node.target], node.value), node)
        node.annotation = ast.copy_location(ast.Constant(None), node)  # it still makes the name a local one
        return node

    def _function(self, node: _Function) -> _Function:
        sees = self._trim(node)
        if not (sees or self._read):
            for argument in _arguments(node.args):
                if argument.annotation is not None:
                    self.hints.append(argument.annotation)
                    argument.annotation = None
            if node.returns is not None:
                self.hints.append(node.returns)
                node.returns = None
        return self._inside(node, read=self._annotated)

    def _inside(self, node: _Scope, read: bool) -> _Scope:
        before, self._read = self._read, read
        self.generic_visit(node)
        self._read = before
        return node

    def _trim(self, node: _Scope) -> bool:
        """Take off what never counts; whether a decorator is left that may read annotations."""
        if not self._annotated and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        node.decorator_list = [each for each in node.decorator_list if self._origin(each) != _DECLARES]
        return any(self._sees(each) for each in node.decorator_list)

    def _sees(self, decorator: ast.expr) -> bool:
        builtin = isinstance(decorator, ast.Name) and decorator.id in _BUILTINS
        return not builtin and self._origin(decorator) not in _BLIND


def _arguments(given: ast.arguments) -> list[ast.arg]:
    special = (each for each in (given.vararg, given.kwarg) if each is not None)
    return [*given.posonlyargs, *given.args, *given.kwonlyargs, *special]
