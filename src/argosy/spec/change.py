"""Which names' objects code changes in place, as far as its syntax tells."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, TypeGuard

Names = frozenset[str]

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
_SELF: Final = "self"
_BUILTIN: Final = frozenset(dir(builtins)) - _SET

Function = ast.FunctionDef | ast.AsyncFunctionDef


def changed(nodes: Iterable[ast.AST], functions: Mapping[str, Names] | None = None) -> Names:
    """The names whose objects are changed: by an assignment to an item or attribute, `inplace=True`, a method that is
    known to, a call whose result nobody takes, or a function or method of the code itself; also through another
    name for a part of them, as in `for row in rows: row.clear()`.

    `functions` are those, each with the parameters that it changes (see `changing`).
    """
    nodes = list(nodes)
    found = {name for node in nodes for name in _changes(node, functions or {})}
    parts = shared(nodes)
    while more := {whole for part, whole in parts if part in found} - found:
        found |= more
    return frozenset(found)


def shared(nodes: Iterable[ast.AST]) -> frozenset[tuple[str, str]]:
    """Pairs of names, the first of which stands for the object of the second, or for a part of it, or may do so."""
    found: set[tuple[str, str]] = set()
    for each in (inner for node in nodes for inner in ast.walk(node)):
        match each:
            case ast.Assign(targets, ast.Name() | ast.Attribute() | ast.Subscript() as value):
                wholes = set(_roots(value))
            case ast.For(target, value) | ast.AsyncFor(target, value) | ast.comprehension(target, value):
                targets, wholes = [target], {one.id for one in ast.walk(value) if isinstance(one, ast.Name)}
            case _:
                continue
        parts = {one.id for target in targets for one in ast.walk(target) if _is_bound(one)}
        found |= {(part, whole) for part in parts for whole in wholes - _BUILTIN if part != whole}
    return frozenset(found)


def changing(definitions: Iterable[ast.stmt]) -> dict[str, Names]:
    """What each function changes that is defined here, also by handing it on to another one of these.

    By the name of a parameter, and by its place as a text. A method has a dot before its name, and its object the place
    of "self".
    """
    known = [*_functions(definitions)]
    found: dict[str, Names] = {name: frozenset() for name, _ in known}
    while True:
        again: dict[str, Names] = {name: frozenset() for name in found}
        for name, each in known:  # classes may have methods of one name
            again[name] |= _places(name, each, changed(each.body, found))
        if again == found:
            return found
        found = again


def _functions(definitions: Iterable[ast.stmt]) -> Iterator[tuple[str, Function]]:
    for each in definitions:
        if isinstance(each, Function):
            yield each.name, each
        elif isinstance(each, ast.ClassDef):
            yield from ((f".{inner.name}", inner) for inner in each.body if isinstance(inner, Function))


def _places(name: str, function: Function, changes: Names) -> Names:
    order = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
    own = order[:1] if name.startswith(".") else []
    places = {str(place) for place, each in enumerate(order[len(own) :]) if each in changes}
    return (changes & _parameters(function)) | places | {_SELF for each in own if each in changes}


def _is_bound(node: ast.AST) -> TypeGuard[ast.Name]:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)


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
            own = functions.get(f".{name}", frozenset())
            if name in _CHANGE or _SELF in own or any(map(_is_inplace, node.keywords)):
                yield from _roots(value)
            if name == "shuffle":  # of a generator or module, it changes what it is given
                own = own | {"0"}
        case ast.Name(name):
            own = functions.get(name, frozenset())
            own = own | {"0"} if name in _SET else own
        case _:
            return
    given = [*((str(place), each) for place, each in enumerate(node.args))]
    given += [(word.arg or "", word.value) for word in node.keywords]
    yield from (root for place, each in given if place in own for root in _roots(each))


def _dropped(function: ast.expr, given: list[ast.expr], functions: Mapping[str, Names]) -> Iterator[str]:
    """What a call changes whose result nobody takes: it was called for something else."""
    match function:
        case ast.Name(name) if name in functions or name in _BUILTIN or name in _LOOK:
            return
        case ast.Attribute(attr=name) if (
            name in _CHANGE or f".{name}" in functions or name in _LOOK or name.startswith(_WRITE)
        ):
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
