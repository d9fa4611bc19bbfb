"""What code does to names: which it reads before it binds them, which it binds, and whose objects it changes."""

from __future__ import annotations

import ast
import functools
import symtable
from collections.abc import Iterable
from typing import NamedTuple

from argosy.spec.change import Names

_NONE: Names = frozenset()


class Flow(NamedTuple):
    """One statement, or several after one another.

    `reads` are names that may be read before they are bound here, `binds` those that may be bound, `sure` those that
    are on every way through, and `gone` those that are deleted at the end. What a function reads counts where it is
    defined.
    """

    reads: Names = _NONE
    binds: Names = _NONE
    sure: Names = _NONE
    gone: Names = _NONE

    def then(self, after: Flow) -> Flow:
        """This, and after it something else."""
        return Flow(
            self.reads | (after.reads - self.sure), self.binds | after.binds, (self.sure - after.gone) | after.sure,
            (self.gone - after.binds) | after.gone,
        )  # fmt: skip

    def either(self, other: Flow) -> Flow:
        """This or something else."""
        return Flow(
            self.reads | other.reads, self.binds | other.binds, self.sure & other.sure, self.gone & other.gone
        )  # fmt: skip

    def perhaps(self) -> Flow:
        """This, or a part of it, or nothing."""
        return self._replace(sure=_NONE, gone=_NONE)


def flow(nodes: Iterable[ast.stmt]) -> Flow:
    """The flow of statements of one scope, in order."""
    return functools.reduce(Flow.then, map(_statement, nodes), Flow())


def _statement(node: ast.stmt) -> Flow:
    match node:
        case ast.If(test, body, orelse):
            return _expression(test).then(flow(body).either(flow(orelse)))
        case ast.For(target, iterated, body, orelse) | ast.AsyncFor(target, iterated, body, orelse):
            turn = _target(target).then(flow(body))
            return _expression(iterated).then(turn.perhaps()).then(flow(orelse).perhaps())
        case ast.While(test, body, orelse):
            return _expression(test).then(flow(body).perhaps()).then(flow(orelse).perhaps())
        case ast.With(items, body) | ast.AsyncWith(items, body):
            entered = (
                _expression(item.context_expr).then(_target(item.optional_vars) if item.optional_vars else Flow())
                for item in items
            )
            return functools.reduce(Flow.then, entered, Flow()).then(flow(body))
        case ast.Try(body, handlers, orelse, final) | ast.TryStar(body, handlers, orelse, final):
            partly = flow(body).perhaps()
            ways = [flow([*body, *orelse]), *(partly.then(_handler(each)) for each in handlers)]
            return functools.reduce(Flow.either, ways).then(flow(final))
        case ast.Match(subject, cases):
            ways = [_case(each) for each in cases]
            return _expression(subject).then(functools.reduce(Flow.either, ways, Flow()).perhaps())
        case ast.Delete(targets):
            names = frozenset(each.id for each in targets if isinstance(each, ast.Name))
            return Flow(_read(node) | names, gone=names)
        case ast.AugAssign(ast.Name(name)):
            return Flow(_read(node) | {name}, bound := frozenset({name}), bound)
    bound = _bound(node)
    return Flow(_read(node), bound, bound)


def _expression(node: ast.expr) -> Flow:
    return _statement(ast.Expr(node))


def _target(node: ast.expr) -> Flow:
    """An assignment to a target of something that has been read already."""
    return _statement(ast.Assign([node], ast.Constant(None), lineno=0))


def _handler(node: ast.ExceptHandler) -> Flow:
    caught = frozenset({node.name} if node.name else ())
    kind = _expression(node.type) if node.type else Flow()
    return kind.then(Flow(binds=caught, sure=caught)).then(flow(node.body)).then(Flow(gone=caught))


def _case(node: ast.match_case) -> Flow:
    named = (
        each.rest if isinstance(each, ast.MatchMapping) else each.name for each in ast.walk(node.pattern)
        if isinstance(each, ast.MatchAs | ast.MatchStar | ast.MatchMapping)
    )  # fmt: skip
    bound = frozenset(name for name in named if name)
    values = [each for each in ast.walk(node.pattern) if isinstance(each, ast.expr)]
    asked = [*values, node.guard] if node.guard else values
    read = frozenset(name for each in asked for name in _read(ast.Expr(each)))
    return Flow(read - bound, bound, bound).then(flow(node.body))


def _bound(node: ast.stmt) -> Names:
    """The names that a statement without a block binds in its scope; a function or class binds its own."""
    match node:
        case ast.FunctionDef(name) | ast.AsyncFunctionDef(name) | ast.ClassDef(name):
            return frozenset({name})
        case ast.Import(aliases) | ast.ImportFrom(_, aliases):
            return frozenset(alias.asname or alias.name.partition(".")[0] for alias in aliases)
        case ast.AnnAssign(value=None):
            return _NONE
    own = {target for each in ast.walk(node) if isinstance(each, ast.comprehension) for target in ast.walk(each.target)}
    names = (each for each in ast.walk(node) if isinstance(each, ast.Name) and each not in own)
    return frozenset(each.id for each in names if isinstance(each.ctx, ast.Store))


def _read(node: ast.stmt) -> Names:
    """The names of their surroundings that a statement, and the functions and classes within, read."""
    text = ast.unparse(ast.fix_missing_locations(ast.Module([node], [])))
    module = symtable.symtable(text, "<cell>", "exec")
    names = {symbol.get_name() for symbol in module.get_symbols() if symbol.is_referenced()}
    tables = module.get_children()
    while tables:
        table = tables.pop()
        tables += table.get_children()
        names.update(symbol.get_name() for symbol in table.get_symbols() if symbol.is_global())
    return frozenset(names)
