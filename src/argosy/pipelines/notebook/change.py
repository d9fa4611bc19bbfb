"""Which names' objects code changes in place, as far as its syntax tells."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from argosy.pipelines.notebook.flow import Names

_CHANGE: Final = frozenset({
    "add", "append", "appendleft", "backward", "clear", "difference_update", "discard", "extend", "fit",
    "fit_predict", "fit_transform", "insert", "intersection_update", "load_state_dict", "move_to_end", "partial_fit",
    "pop", "popitem", "popleft", "remove", "reverse", "rotate", "set_params", "setdefault", "sort",
    "symmetric_difference_update", "update",
    "choice", "choices", "integers", "normal", "permutation", "permuted", "randint", "random", "seed", "shuffle",
    "standard_normal", "uniform",
})  # fmt: skip
"""Methods that change their object, whatever they return; the last two lines are of random generators."""
_LOOK: Final = frozenset({
    "bar", "barh", "boxplot", "count", "describe", "dump", "head", "heatmap", "hist", "histplot", "info", "lineplot",
    "plot", "print", "save", "savefig", "scatter", "scatterplot", "show", "summary", "tail", "value_counts",
})  # fmt: skip
"""Functions and methods that are called for what they show or write."""
_WRITE: Final = ("to_", "write_")
_SET: Final = frozenset({"delattr", "next", "setattr"})
_BUILTIN: Final = frozenset(dir(builtins)) - _SET

Function = ast.FunctionDef | ast.AsyncFunctionDef


def changed(nodes: Iterable[ast.AST], functions: Mapping[str, Names] | None = None) -> Names:
    """The names whose objects are changed: by an assignment to an item or attribute, `inplace=True`, a method that is
    known to, a call whose result nobody takes, or a function of the notebook itself.

    `functions` are those, each with the parameters that it changes.
    """
    return frozenset(name for node in nodes for name in _changes(node, functions or {}))


def changing(functions: Iterable[Function]) -> dict[str, Names]:
    """The parameters that each function changes, also by handing them on to another one of these."""
    functions = list(functions)
    found: dict[str, Names] = {each.name: frozenset() for each in functions}
    while True:
        again = {each.name: changed(each.body, _called(functions, found)) & _parameters(each) for each in functions}
        if again == found:
            return _called(functions, found)
        found = again


def _called(functions: Iterable[Function], found: Mapping[str, Names]) -> dict[str, Names]:
    """What is changed, by the name of a parameter and by its place."""
    named = {}
    for each in functions:
        order = [argument.arg for argument in (*each.args.posonlyargs, *each.args.args)]
        places = {str(place) for place, name in enumerate(order) if name in found[each.name]}
        named[each.name] = found[each.name] | places
    return named


def _parameters(node: Function | ast.Lambda) -> Names:
    return frozenset(each.arg for each in ast.walk(node.args) if isinstance(each, ast.arg))


def _changes(node: ast.AST, functions: Mapping[str, Names]) -> Iterator[str]:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            yield from changed(node.body, functions) - _parameters(node)
            return
        case ast.Subscript(ctx=ast.Store() | ast.Del()) | ast.Attribute(ctx=ast.Store() | ast.Del()):
            yield from _roots(node)
        case ast.Expr(ast.Call(function, arguments, words)):
            yield from _dropped(function, [*arguments, *(each.value for each in words)], functions)
        case ast.AugAssign(ast.Name(name)):
            yield name
    if isinstance(node, ast.Call):
        yield from _call(node, functions)
    for child in ast.iter_child_nodes(node):
        yield from _changes(child, functions)


def _call(node: ast.Call, functions: Mapping[str, Names]) -> Iterator[str]:
    match node.func:
        case ast.Attribute(value, name):
            if name in _CHANGE or any(map(_is_inplace, node.keywords)):
                yield from _roots(value)
            if name == "shuffle":  # of a generator or module, it changes what it is given
                yield from (root for each in node.args for root in _roots(each))
        case ast.Name(name) if name in functions:
            for place, each in enumerate(node.args):
                if str(place) in functions[name]:
                    yield from _roots(each)
            for word in node.keywords:
                if word.arg in functions[name]:
                    yield from _roots(word.value)
        case ast.Name(name) if name in _SET:
            yield from (root for each in node.args for root in _roots(each))


def _dropped(function: ast.expr, given: list[ast.expr], functions: Mapping[str, Names]) -> Iterator[str]:
    """What a call changes whose result nobody takes: it was called for something else."""
    match function:
        case ast.Name(name) if name in functions or name in _BUILTIN or name in _LOOK:
            return
        case ast.Attribute(attr=name) if name in _CHANGE or name in _LOOK or name.startswith(_WRITE):
            return
        case ast.Attribute(value):
            yield from _roots(value)
    yield from (root for each in given for root in _roots(each))


def _is_inplace(word: ast.keyword) -> bool:
    return word.arg == "inplace" and not (isinstance(word.value, ast.Constant) and word.value.value is False)


def _roots(node: ast.AST) -> Iterator[str]:
    """The name that an object is reached by: `df` of `df.loc[0].a`."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Starred):
        node = node.value
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        yield from _roots(node.func.value)
    elif isinstance(node, ast.Name):
        yield node.id
