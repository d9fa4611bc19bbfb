"""What the statements of a module do to its names while it is imported, besides binding them."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterable, Iterator
from functools import cached_property

from argosy.spec.change import Function, Names, changed, changing, shared


class Effects:
    """The objects that each statement of a module changes, also by what it calls of the module: a function, a decorator
    or a class, which may keep what they are given in another name of it.

    Known by the names that stand for them, here and in functions. What a function of another module does to an object
    is known only where nobody takes its result.
    """

    def __init__(self, body: Iterable[ast.stmt]) -> None:
        self._body = list(body)

    def of(self, statement: ast.stmt) -> Names:
        """The names whose objects a statement changes."""
        executed = _executed(statement)
        if not any(map(_acts, ast.walk(executed))):
            return frozenset()
        found = {*changed([executed], self._given), *self._through(executed)}
        while more := {whole for part, whole in self._shared if part in found} - found:
            found |= more
        return frozenset(found)

    @cached_property
    def _given(self) -> dict[str, Names]:
        return changing(self._body)

    @cached_property
    def _shared(self) -> frozenset[tuple[str, str]]:
        return shared(map(_executed, self._body))

    @cached_property
    def _called(self) -> dict[str, Names]:
        """What calling each function or class changes, by its name, also by what it calls itself."""
        found: dict[str, Names] = {}
        calls: dict[str, Names] = {}
        for each in ast.walk(ast.Module(self._body, [])):
            if isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                found[each.name] = found.get(each.name, frozenset()) | self._own(each)
                calls[each.name] = calls.get(each.name, frozenset()).union(_calls(each))
        while True:
            again = {name: own.union(*(found.get(other, own) for other in calls[name])) for name, own in found.items()}
            if again == found:
                return found
            found = again

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

    def _through(self, executed: ast.AST) -> Iterator[str]:
        """What is changed by what code calls."""
        for name in _calls(executed):
            yield from self._called.get(name, ())


def _calls(node: ast.AST) -> Iterator[str]:
    """The names that are called in code: also as decorators, and as classes that others derive from."""
    for each in ast.walk(node):
        match each:
            case ast.Call(ast.Name(name)):
                yield name
            case ast.ClassDef(bases=above, decorator_list=over):
                yield from (one.id for one in (*above, *over) if isinstance(one, ast.Name))
            case ast.FunctionDef(decorator_list=over) | ast.AsyncFunctionDef(decorator_list=over):
                yield from (one.id for one in over if isinstance(one, ast.Name))


def _acts(node: ast.AST) -> bool:
    """Whether a part of what is executed may change anything."""
    match node:
        case ast.Call() | ast.AugAssign():
            return True
        case ast.Attribute(ctx=ast.Store() | ast.Del()) | ast.Subscript(ctx=ast.Store() | ast.Del()):
            return True
        case ast.ClassDef(bases=above, decorator_list=over):
            return bool(above or over)
        case ast.FunctionDef(decorator_list=over) | ast.AsyncFunctionDef(decorator_list=over):
            return bool(over)
    return False


def _executed(node: ast.AST) -> ast.AST:
    """A copy without the bodies of functions, which are not executed where they are defined."""
    if isinstance(node, ast.Lambda):
        return ast.Constant(None)
    made = copy.copy(node)
    for field, value in ast.iter_fields(node):
        if field == "body" and isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            setattr(made, field, [ast.Pass()])
        elif isinstance(value, list):
            setattr(made, field, [_executed(each) if isinstance(each, ast.AST) else each for each in value])
        elif isinstance(value, ast.AST):
            setattr(made, field, _executed(value))
    return made
