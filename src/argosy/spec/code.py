"""The fingerprint of a function: its syntax, and that of everything of the project that it reaches.

What counts is meaning: comments, docstrings, layout and annotations do not (see `Meaning` for the annotations that
do; all do where the code names what reads them, as `typing.get_type_hints` does); a helper in another module, a
constant, a default argument and the method of a base class do. A variable that is renamed counts, though it means the
same: a rerun too many is safe. Other packages count by name; their versions are part of the environment.

Reached is what the code names: global names, attributes of the project's modules, imports in bodies, the values that a
closure holds, what registers itself with a name of its module (`@area.register`), and files that a text in the code
names (see `Resources.named`). `getattr` and `globals` with a constant name are followed; with any other, the module
counts as a whole, but a notebook's does not.

What shows only at run time is not seen: `importlib.import_module(text)`, `sys.modules[__name__].LIMIT`,
`eval("LIMIT")`, `f.__globals__["LIMIT"]`, `__subclasses__()`, an argument's class, what another module registers, which
of two statements of a module came first, and modules of a folder that code puts on `sys.path`. Nor are files whose base
name no text holds: one put together (`"codes" + ".json"`, `f"{NAME}.json"`), out of data, or a parameter; one in a
folder that is listed without its name in a text, or that a library is given to read as a whole.
"""

from __future__ import annotations

import ast
import datetime
import decimal
import enum
import functools
import hashlib
import inspect
import os
import sys
import textwrap
import uuid
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path, PurePath
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any, Literal

import msgspec

from argosy.errors import DeclarationError
from argosy.spec.resource import Resources
from argosy.spec.syntax import Definition, Module
from argosy.spec.tree import Target, Tree, is_installed

_PLAIN = (type(None), bool, int, float, complex, str, bytes, type(...), decimal.Decimal, uuid.UUID, PurePath)
_TIMES = (datetime.date, datetime.time, datetime.timedelta, datetime.tzinfo)


class CodePrint(msgspec.Struct, frozen=True):
    """What a function is made of.

    `digest` is the SHA-256 over all `parts`, in hex. `parts` maps `module:name` (`module:*` for a module used as a
    whole, `module:function[variable]` for a value that a closure holds, the path below its root for a file) to digests.
    `packages` are the other packages that the parts import, without the standard library; `files` those of the parts
    that are files.
    """

    digest: str
    parts: dict[str, str]
    packages: tuple[str, ...] = ()
    files: tuple[str, ...] = ()

    def changes(self, other: CodePrint) -> dict[str, Literal["added", "removed", "changed"]]:
        """How the parts of `other`, the later one, differ from these."""
        found: dict[str, Literal["added", "removed", "changed"]] = {}
        for part in sorted({*self.parts, *other.parts}):
            if part not in self.parts:
                found[part] = "added"
            elif part not in other.parts:
                found[part] = "removed"
            elif self.parts[part] != other.parts[part]:
                found[part] = "changed"
        return found


def fingerprint(
    function: Callable[..., Any], roots: Iterable[str | Path] = (), *, files: bool = True,
    resources: Resources | None = None,
) -> CodePrint:  # fmt: skip
    """The print of a function or class, read from the files of its project as they are now.

    A module is the project's if its file lies under one of `roots`; by default under the directory from which the
    function's own module is imported (the working directory for a notebook), or anywhere but in an installed package. A
    function of an installed package has no parts of its own. Without `files`, those that it names do not count;
    `resources` finds them, and is shared by prints of one moment. Raises `DeclarationError` where the source or a file
    cannot be read, or a closure holds a value that has no stable form.
    """
    given = tuple(Path(root).resolve() for root in roots)
    wide = not given
    given = given or directories(function)
    wide = wide and bool(given)  # what is installed belongs to no project
    root, closure = _reached(function, Tree(given, wide=wide))
    if closure.reflects:
        root, closure = _reached(function, Tree(given, annotated=True, wide=wide))
    found = (resources or Resources()).named(closure.texts, given, lists=closure.lists) if files else {}
    parts = dict(sorted((closure.parts | found).items()))
    return CodePrint(_digest(root, *parts, *parts.values()), parts, tuple(sorted(closure.packages)), tuple(found))


def _reached(function: Callable[..., Any], tree: Tree) -> tuple[str, _Closure]:
    closure = _Closure(tree)
    root = closure.enter(function, repr(function)[:100])
    closure.follow()
    return root, closure


class _Closure:
    """Everything reached so far, and what is still to be looked at."""

    def __init__(self, tree: Tree) -> None:
        self.parts: dict[str, str] = {}
        self.packages: set[str] = set()
        self.texts: set[frozenset[str]] = set()
        self.lists = False
        self.reflects = False
        self._tree = tree
        self._waiting: list[Target] = []
        self._inners: list[tuple[Any, str]] = []

    def follow(self) -> None:
        """Look at all that waits, and at what that reaches."""
        while self._waiting:
            target = self._waiting.pop()
            if target.id in self.parts:
                continue
            module = self._tree.module(target.module)
            assert module is not None
            self._static(target.id, self._tree.definition(target), module)

    def enter(self, value: Any, owner: str) -> str:
        """Take in a function, class or module that exists; its identity, which does not depend on its content."""
        if isinstance(value, functools.partial):
            inner = self.enter(value.func, owner)
            return f"partial({inner},{self.value(value.args, owner)},{self.value(value.keywords, owner)})"
        if isinstance(value, MethodType):
            return f"method({self.enter(value.__func__, owner)},{self.value(value.__self__, owner)})"
        if isinstance(value, ModuleType):
            return self._reach(Target(value.__name__, ours=self._tree.module(value.__name__) is not None))
        name, home = getattr(value, "__qualname__", ""), _module_name(value)
        if not name or not callable(value):
            raise DeclarationError(
                f"{owner} is a {type(value).__name__}: only functions and classes have code", next="pass the function"
            )
        top, module = name.partition(".")[0], self._tree.module(home)
        if module is not None and "<" not in name and top in module.statements:
            if not _borrows(value, module.statements[top]):
                return self._reach(Target(home, top))
            name, home = value.__code__.co_qualname, value.__globals__["__name__"]
            module = self._tree.module(home)
        if module is None and _has_file(home):
            return self._reach(Target(f"{home}.{name}", ours=False))
        return self._inner(value, f"{home}:{name}", module)

    def value(self, value: Any, owner: str) -> str:
        """The digest of a value that a closure, a default or a notebook holds."""
        kind = type(value).__qualname__
        if isinstance(value, enum.Enum):
            return _digest(kind, value.name)
        if isinstance(value, _PLAIN + _TIMES):
            self.texts |= {frozenset({os.fsdecode(value)})} if isinstance(value, (str, bytes, PurePath)) else set()
            return _digest(kind, repr(value))
        if isinstance(value, dict):
            return _digest(kind, *sorted(f"{self.value(k, owner)}{self.value(v, owner)}" for k, v in value.items()))
        if isinstance(value, (set, frozenset)):
            return _digest(kind, *sorted(self.value(item, owner) for item in value))
        if isinstance(value, (list, tuple)):
            return _digest(kind, *(self.value(item, owner) for item in value))
        if isinstance(value, msgspec.Struct):
            return _digest(self.enter(type(value), owner), self.value(msgspec.structs.asdict(value), owner))
        if isinstance(value, (type, ModuleType, MethodType, functools.partial)) or inspect.isroutine(value):
            return _digest(self.enter(value, owner))
        raise DeclarationError(
            f"{owner} is a {type(value).__module__}.{kind}, which has no stable fingerprint",
            next="pass it as a parameter, or build it from a constant of a module",
        )

    def _reach(self, target: Target) -> str:
        if target.ours:
            self._waiting.append(target)
        else:
            package = target.module.partition(".")[0]
            if package not in sys.stdlib_module_names:
                self.packages.add(package)
        return target.id

    def _static(self, part: str, definition: Definition, module: Module) -> None:
        """Add a part whose names are those of a file."""
        names: list[str] = []
        for chain in definition.chains:
            for target in self._tree.targets(module, chain, definition.imports):
                names.append(f"{'.'.join(chain)}={self._reach(target)}")
        for chain in definition.hints:
            for target in self._tree.targets(module, chain, definition.imports):
                if not target.ours:
                    self._reach(target)
        self._add(part, definition, names)

    def _add(self, part: str, definition: Definition, names: list[str]) -> None:
        self.texts.add(definition.texts)
        self.lists |= definition.lists
        self.reflects |= definition.reflects
        self.parts[part] = _digest(definition.digest, *names)

    def _inner(self, value: Any, part: str, module: Module | None) -> str:
        """Add a lambda, a function inside another, or one of a notebook: their values exist only in memory."""
        known = [name for other, name in self._inners if other is value]
        if known:
            return known[0]
        part = f"{part}#{len(self._inners)}" if part in {name for _, name in self._inners} else part
        self._inners.append((value, part))
        source = module or Module("__main__", _live_source(value, part), None)
        outer = value.__code__.co_freevars if isinstance(value, FunctionType) else ()
        definition = source.define([_node(value, source, part)], outer, annotated=self._tree.annotated)
        if module is not None:
            self._static(part, definition, module)
        else:
            self._live(part, definition, getattr(value, "__globals__", None) or vars(sys.modules[value.__module__]))
        if isinstance(value, FunctionType):
            for name, held in _held(value).items():
                self.parts[f"{part}[{name}]"] = self.value(held, f"{name!r} in {part}")
        return part

    def _live(self, part: str, definition: Definition, held: Mapping[str, Any]) -> None:
        """Bind the names of a part without file to what they hold now."""
        names: list[str] = []
        for chain in definition.chains:
            if chain[0] in definition.imports:
                found = self._tree.targets(Module("__main__", b"", None), chain, definition.imports)
                names += [f"{'.'.join(chain)}={self._reach(target)}" for target in found]
            elif chain[0] in held:
                names.append(f"{chain[0]}={self.value(held[chain[0]], f'{chain[0]!r} in {part}')}")
        self._add(part, definition, names)


def _borrows(value: Any, statements: Iterable[ast.stmt]) -> bool:
    """Whether a function was made elsewhere and bears the name of another one, as `functools.wraps` gives it.

    What decorates that one is a part of it.
    """
    if not isinstance(value, FunctionType) or value.__code__.co_qualname == value.__qualname__:
        return False
    return not any(getattr(each, "decorator_list", ()) for each in statements)


def _digest(*pieces: str) -> str:
    return hashlib.sha256(msgspec.json.encode(pieces)).hexdigest()


def _module_name(value: Any) -> str:
    """Where a function is defined, under the name by which other modules import it."""
    name = getattr(value, "__module__", None) or ""
    main = sys.modules.get("__main__")
    if name == "__main__" and getattr(main, "__file__", None):
        spec = getattr(main, "__spec__", None)
        return spec.name if spec else Path(str(main.__file__)).stem  # type: ignore[union-attr]
    return name


def _file(value: Any) -> Path | None:
    module = sys.modules.get(getattr(value, "__module__", None) or "")
    file = getattr(module, "__file__", None)
    return Path(file).resolve() if file else None


def _has_file(module: str) -> bool:
    return module.partition(".")[0] in sys.stdlib_module_names or bool(
        getattr(sys.modules.get(module), "__file__", None)
    )


def directories(value: Any) -> tuple[Path, ...]:
    """Where the project lies that a function or class belongs to; nowhere for what is installed."""
    while isinstance(value, (functools.partial, MethodType)):
        value = value.func if isinstance(value, functools.partial) else value.__func__
    file = _file(value)
    if file is None:
        return (Path.cwd(),)
    if is_installed(file):
        return ()
    levels = len(_module_name(value).split(".")) - (0 if file.name == "__init__.py" else 1)
    return (file.parents[levels],)


def _live_source(value: Any, part: str) -> bytes:
    try:
        return textwrap.dedent(inspect.getsource(value)).encode()
    except (OSError, TypeError):
        raise _sourceless(part) from None


def _sourceless(part: str) -> DeclarationError:
    return DeclarationError(
        f"the source of {part} cannot be found: it was not defined in a file",
        next="put the function into a module of the project, with a name of its own",
    )


def _node(value: Any, source: Module, part: str) -> ast.stmt:
    """The statement that made a function or class which is not a top-level name."""
    code: CodeType | None = getattr(value, "__code__", None)
    nodes = [node for node in ast.walk(source.tree) if _may_be(node, value, code)]
    if len(nodes) > 1 and code is not None:
        nodes = [node for node in nodes if code.co_firstlineno in _lines(node)] or nodes
    if len(nodes) > 1 and code is not None:
        nodes = [node for node in nodes if _same_code(node, code)]
    if not nodes:
        raise _sourceless(part)
    if len({ast.dump(node) for node in nodes}) > 1:
        raise DeclarationError(
            f"{part} may be one of {len(nodes)} of that name", next="give each function a name of its own"
        )
    node = nodes[0]
    return node if isinstance(node, ast.stmt) else ast.Expr(node)  # type: ignore[arg-type]


def _may_be(node: ast.AST, value: Any, code: CodeType | None) -> bool:
    if code is None:
        return isinstance(node, ast.ClassDef) and node.name == value.__name__
    if code.co_name == "<lambda>":
        return isinstance(node, ast.Lambda)
    return isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name == code.co_name


def _lines(node: Any) -> list[int]:
    return [node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", []))]


def _same_code(node: ast.AST, code: CodeType) -> bool:
    """Whether a lambda or function compiles to this code, but for which of its names are an outer function's."""
    if not isinstance(node, ast.Lambda):
        return True
    made = compile(ast.fix_missing_locations(ast.Expression(node)), code.co_filename, "eval")
    inner = next(constant for constant in made.co_consts if isinstance(constant, CodeType))
    names = {*inner.co_names, *inner.co_freevars}, {*code.co_names, *code.co_freevars}
    return inner.co_varnames == code.co_varnames and names[0] == names[1] and _constants(inner) == _constants(code)


def _constants(code: CodeType) -> list[str]:
    return [repr(constant) for constant in code.co_consts if not isinstance(constant, CodeType)]


def _held(function: FunctionType) -> dict[str, Any]:
    """What a function holds besides its code: the variables of outer functions, and its defaults."""
    held: dict[str, Any] = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            held[name] = cell.cell_contents
        except ValueError:  # not assigned yet
            continue
    for number, default in enumerate(function.__defaults__ or ()):
        held[f"default {number}"] = default
    return held | (function.__kwdefaults__ or {})
