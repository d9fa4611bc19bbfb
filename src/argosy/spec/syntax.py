"""A Python source file as definitions: what each top-level name is made of, and which names it reads."""

from __future__ import annotations

import ast
import hashlib
import os
import symtable
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from argosy.errors import DeclarationError
from argosy.spec.effect import Effects
from argosy.spec.meaning import Meaning

Chain = tuple[str, ...]  # `helpers.scale` is ("helpers", "scale")

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_SELF = "argosy"  # what a project declares with it is fingerprinted as a declaration, not as code
WHOLE = "*"
"""The name by which a definition reads its module as a whole, as `globals()` does."""

_LISTING = {"fwalk", "glob", "iglob", "iterdir", "listdir", "rglob", "scandir", "walk"}
_REFLECTING = {
    "__annotations__",
    "__doc__",
    "getdoc",
    "get_annotations",
    "get_type_hints",
    "getfullargspec",
    "signature",
}


class Imported(NamedTuple):
    """What an import binds: a module, or a name of a module."""

    module: str
    name: str | None = None


Imports = dict[str, tuple[Imported, ...]]
"""What each name may be bound to by imports: several where they stand in branches."""


class Definition(NamedTuple):
    """One or several statements: the digest of their meaning, and the names of their surroundings that they read.

    The digest ignores comments, layout, and what `Meaning` takes off; `hints` are the names in annotations that went.
    `imports` are those inside of bodies, `texts` the constants that are texts. `lists` says that it names what lists
    folders, `reflects` that it names what reads the annotations of anything.
    """

    digest: str
    chains: tuple[Chain, ...]
    imports: Imports
    hints: tuple[Chain, ...]
    texts: frozenset[str]
    lists: bool
    reflects: bool


class Module:
    """One parsed file: its top-level imports, and the statements that define or change each top-level name."""

    def __init__(self, name: str, source: bytes, path: Path | None) -> None:
        self.name = name
        self.package = path is None or path.name == "__init__.py"
        try:
            self.tree = ast.parse(source, filename=str(path))
        except (SyntaxError, ValueError) as error:
            raise DeclarationError(
                f"module {name} in {path} cannot be read: {error}", next="fix it: code that is declared depends on it"
            ) from error
        self.imports: Imports = {}
        self.stars: list[str] = []
        self.chooses = False  # whether a condition decides about one of the stars
        self.statements: dict[str, list[ast.stmt]] = {}
        self._definitions: dict[tuple[str | None, bool], Definition] = {}
        body = [statement for statement in self.tree.body if not _is_main_guard(statement)]
        effects = Effects(body)
        for statement in body:
            self._add(statement, effects)

    def definition(self, name: str | None, *, annotated: bool = False) -> Definition:
        """How a top-level name is made; without a name, all that the module does when imported."""
        key = name, annotated
        if key not in self._definitions:
            statements = self.tree.body if name is None else self.statements[name]
            self._definitions[key] = self.define(statements, annotated=annotated)
        return self._definitions[key]

    def define(
        self, statements: Iterable[ast.stmt], outer: Iterable[str] = (), *, annotated: bool = False
    ) -> Definition:
        """A definition out of statements of this module; names in `outer` belong to an enclosing function.

        With `annotated`, annotations count, wherever they stand.
        """
        meaning = Meaning(self._decorating, annotated=annotated)
        bare = [meaning.reduce(statement) for statement in statements]
        imports: Imports = {}
        for node in (node for statement in bare for node in ast.walk(statement)):
            self._bind(node, imports)
        held = {name for statement in bare for node in ast.walk(statement) if (name := _in_globals(node))}
        names = (_global_names(bare) | set(imports)) - set(outer) | held | {WHOLE}
        chains = {chain for statement in bare for chain in _chains(statement) if chain[0] in names}
        hints = {chain for hint in meaning.hints for chain in _chains(hint)}
        texts = frozenset(text for statement in bare for text in self._texts(statement))
        text = "\n".join(ast.dump(statement) for statement in bare)
        digest = hashlib.sha256(text.encode()).hexdigest()
        words = {word for statement in bare for word in _words(statement)}
        reflects = bool(words & _REFLECTING) or any(map(_makes_dataclass, bare))
        return Definition(
            digest, tuple(sorted(chains)), imports, tuple(sorted(hints)), texts, bool(words & _LISTING), reflects
        )

    def _add(self, statement: ast.stmt, effects: Effects) -> None:
        names: set[str] = set()
        plain = isinstance(statement, (ast.Import, ast.ImportFrom))
        for node in _same_scope(statement):
            bound = self._bind(node, self.imports)
            names |= set() if plain else bound  # a condition may decide what a name stands for
            if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
                self.stars.append(self._origin(node))
                self.chooses |= not plain
        names |= _touched(statement) | self._registered(statement)
        names |= {name for name in effects.of(statement) if all(each.name for each in self.imports.get(name, ()))}
        for name in names:
            self.statements.setdefault(name, []).append(statement)

    def _bind(self, node: ast.AST, imports: Imports) -> set[str]:
        """Note what an import binds; returns the names."""
        found = dict(self._bindings(node))
        for name, each in found.items():
            imports[name] = tuple(dict.fromkeys((*imports.get(name, ()), each)))
        return set(found)

    def _registered(self, statement: ast.stmt) -> set[str]:
        """The names whose attribute decorates a function or class, which they may keep: `@area.register`."""
        decorators = statement.decorator_list if isinstance(statement, _SCOPES) else []
        calls = [each.func if isinstance(each, ast.Call) else each for each in decorators]
        names = {name for each in calls if isinstance(each, ast.Attribute) and (name := _root(each))}
        return {name for name in names if all(each.name for each in self.imports.get(name, ()))}

    def _bindings(self, node: ast.AST) -> Iterator[tuple[str, Imported]]:
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                yield (alias.asname, Imported(alias.name)) if alias.asname else (top, Imported(top))
        elif isinstance(node, ast.ImportFrom):
            origin = self._origin(node)
            for alias in node.names:
                if alias.name != "*":
                    yield alias.asname or alias.name, Imported(origin, alias.name)

    def _origin(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        parts = self.name.split(".")
        climb = node.level - (1 if self.package else 0)
        return ".".join([*parts[: len(parts) - climb], *([node.module] if node.module else [])])

    def _texts(self, node: ast.AST) -> Iterator[str]:
        """Constants that are texts or bytes, but for those that argosy is called with: a declaration, not code."""
        if isinstance(node, ast.Constant) and isinstance(node.value, (str, bytes)):
            yield os.fsdecode(node.value)
        declares = isinstance(node, ast.Call) and self._decorating(node) == _SELF
        for child in ast.iter_child_nodes(node):
            if not (declares and _is_written(child)):
                yield from self._texts(child)

    def _decorating(self, decorator: ast.expr) -> str:
        root = _root(decorator.func if isinstance(decorator, ast.Call) else decorator)
        package = self.imports[root][0].module.partition(".")[0] if root in self.imports else ""
        return "" if package == self.name.partition(".")[0] else package


def _is_written(node: ast.AST) -> bool:
    """Whether an argument is a constant, or a list or mapping of such."""
    given = node.value if isinstance(node, ast.keyword) else node
    return all(
        isinstance(each, (ast.Constant, ast.List, ast.Tuple, ast.Dict, ast.Set, ast.expr_context))
        for each in ast.walk(given)
    )


def _is_main_guard(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.If) and ast.unparse(statement.test) in (
        "__name__ == '__main__'",
        "'__main__' == __name__",
    )


def _same_scope(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    if isinstance(node, (*_SCOPES, ast.Lambda)):
        return
    for child in ast.iter_child_nodes(node):
        yield from _same_scope(child)


def _touched(statement: ast.stmt) -> set[str]:
    """The names that a top-level statement binds or may change: `X = 1`, `X["a"] = 1`, `X.append(1)`."""
    names: set[str | None] = set()
    for node in _same_scope(statement):
        if isinstance(node, _SCOPES):
            names.add(node.name)
        elif isinstance(node, (ast.Name, ast.Attribute, ast.Subscript)) and not isinstance(node.ctx, ast.Load):
            names.add(_root(node))
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            if isinstance(node.value.func, ast.Attribute):
                names.add(_root(node.value.func))
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar):
            names.add(node.name)
    return {name for name in names if name}


def _root(node: ast.AST) -> str | None:
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        if name := _in_globals(node):
            return name
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def _in_globals(node: ast.AST) -> str | None:
    """The name that `globals()["name"]` stands for."""
    match node:
        case ast.Subscript(ast.Call(ast.Name("globals"), [], []), ast.Constant(str(name))):
            return name
    return None


def _words(node: ast.AST) -> Iterator[str]:
    """Every name and attribute in a tree, also where a text gives it, as to `getattr`."""
    for each in ast.walk(node):
        match each:
            case ast.Name(word) | ast.Attribute(_, word) | ast.alias(word) | ast.Constant(str(word)):
                yield word


def _makes_dataclass(node: ast.AST) -> bool:
    """Whether `dataclass` is called with a class, or handed on; a decorator reads nothing but the class below it."""
    decorators = {
        decorator.func if isinstance(decorator, ast.Call) else decorator
        for each in ast.walk(node) if isinstance(each, ast.ClassDef) for decorator in each.decorator_list
    }  # fmt: skip
    named = (each for each in ast.walk(node) if isinstance(each, (ast.Name, ast.Attribute)) and each not in decorators)
    return any("dataclass" in (getattr(each, "id", ""), getattr(each, "attr", "")) for each in named)


def _chains(node: ast.AST) -> Iterator[Chain]:
    """Every name in a tree, with the attributes read from it directly, also by `getattr` with a constant."""
    attributes: list[str] = []
    others: list[ast.AST] = []
    inner = node
    while True:
        match inner:
            case ast.Attribute(value, attribute):
                inner = value
            case ast.Call(ast.Name("getattr"), [value, ast.Constant(str(attribute)), *default], []):
                inner = value
                others += default
            case _:
                break
        attributes.append(attribute)
    name = _in_globals(inner) or (inner.id if isinstance(inner, ast.Name) else None)
    if name is not None:
        yield (WHOLE,) if name == "globals" else (name, *reversed(attributes))
    else:
        others += ast.iter_child_nodes(inner)
    for other in others:
        yield from _chains(other)


def _global_names(statements: list[ast.stmt]) -> set[str]:
    text = "\n".join(ast.unparse(statement) for statement in statements)
    names: set[str] = set()
    tables = [symtable.symtable(text, "<definition>", "exec")]
    while tables:
        table = tables.pop()
        tables.extend(table.get_children())
        local = table.get_type() == "function"
        names.update(
            symbol.get_name()
            for symbol in table.get_symbols()
            if symbol.is_global() or (symbol.is_referenced() and not local)
        )
    return names
