"""The modules of a project, found under its roots without importing anything, and what a name in them stands for."""

from __future__ import annotations

import builtins
import importlib.util
import sys
from pathlib import Path
from typing import NamedTuple

from argosy.spec.syntax import WHOLE, Chain, Definition, Imported, Imports, Module

_NEVER = {"argosy", "__main__"}
_parsed: dict[tuple[str, Path], tuple[tuple[int, ...], Module]] = {}


class Target(NamedTuple):
    """What a name stands for: a definition of the project, a whole module of it (`*`), or another package's."""

    module: str
    name: str = WHOLE
    ours: bool = True

    @property
    def id(self) -> str:
        """`module:name` within the project, the dotted path elsewhere."""
        return f"{self.module}:{self.name}" if self.ours else self.module


class Tree:
    """The modules under some directories. Parsed files are kept per process while the file does not change.

    If it is `wide`, modules of the user's own that lie elsewhere are among them: what is imported from the path, or by
    way of an editable installation, and is no installed package.
    """

    def __init__(self, roots: tuple[Path, ...], *, annotated: bool = False, wide: bool = False) -> None:
        self.annotated = annotated
        self._wide = wide
        self._roots = roots
        self._found: dict[str, Module | None] = {}

    def module(self, name: str) -> Module | None:
        """A module of the project; None if the name belongs to another package. Raises `DeclarationError`."""
        if name not in self._found:
            roots = self._roots
            if self._wide and (own := _elsewhere(name.partition(".")[0])) is not None:
                roots = (*roots, own)
            self._found[name] = next(filter(None, (_find(root, name) for root in roots)), None)
        return self._found[name]

    def definition(self, target: Target) -> Definition:
        """The definition behind a target of the project; annotations count where the tree is `annotated`."""
        module = self.module(target.module)
        assert module is not None
        return module.definition(None if target.name == WHOLE else target.name, annotated=self.annotated)

    def targets(self, module: Module, chain: Chain, imports: Imports) -> list[Target]:
        """What a chain of names read in a module stands for; nothing for builtins. `imports` come first."""
        if chain[0] in imports:
            found = [target for each in imports[chain[0]] for target in self._imported(each, chain[1:], set())]
        else:
            found = self._named(module, chain, set())
        return list(dict.fromkeys(found))

    def _named(self, module: Module, chain: Chain, seen: set[tuple[str, Chain]]) -> list[Target]:
        if (module.name, chain) in seen:  # modules that import a name from each other
            return []
        seen.add((module.name, chain))
        name, rest = chain[0], chain[1:]
        if name == WHOLE:
            return [Target(module.name)]
        found = [Target(module.name, name)] if name in module.statements else []
        for each in module.imports.get(name, ()):
            found += self._imported(each, rest, seen)
        if not found and module.package and self.module(f"{module.name}.{name}"):
            return self._member(f"{module.name}.{name}", rest, seen)
        return found + self._starred(module, chain, bool(found), seen)

    def _starred(self, module: Module, chain: Chain, known: bool, seen: set[tuple[str, Chain]]) -> list[Target]:
        """What a name stands for by imports of `*`, which may bind anew what is `known`."""
        found: list[Target] = []
        for star in module.stars:
            origin = self.module(star)
            if origin:
                found += self._named(origin, chain, seen)
            elif not known and not hasattr(builtins, chain[0]):
                found.append(Target(f"{star}.{chain[0]}", ours=False))
        return [Target(module.name), *found] if found and module.chooses else found

    def _imported(self, imported: Imported, rest: Chain, seen: set[tuple[str, Chain]]) -> list[Target]:
        return self._member(imported.module, (imported.name, *rest) if imported.name else rest, seen)

    def _member(self, name: str, chain: Chain, seen: set[tuple[str, Chain]]) -> list[Target]:
        module = self.module(name)
        if module is None:
            return [Target(".".join((name, *chain)), ours=False)]
        # Without an attribute, or with one that the source does not show, anything in the module may be meant.
        return (self._named(module, chain, seen) if chain else []) or [Target(name)]


def is_installed(path: Path) -> bool:
    """Whether a file belongs to an installed package or to Python itself rather than to a project."""
    standard = Path(sys.prefix), Path(sys.base_prefix)
    inside = any(path.is_relative_to(prefix / "lib") for prefix in standard)
    return inside or bool({"site-packages", "dist-packages"} & set(path.parts))


def _elsewhere(package: str) -> Path | None:
    """The directory that a package which is not installed is imported from; None for any other."""
    if package in sys.stdlib_module_names or package in _NEVER:
        return None
    loaded = sys.modules.get(package)
    try:
        spec = getattr(loaded, "__spec__", None) or importlib.util.find_spec(package)
    except (ImportError, ValueError):
        return None
    origin = Path(spec.origin).resolve() if spec is not None and spec.has_location and spec.origin else None
    if origin is None or origin.suffix != ".py" or is_installed(origin):
        return None
    return origin.parent.parent if origin.name == "__init__.py" else origin.parent


def _find(root: Path, name: str) -> Module | None:
    place = root.joinpath(*name.split("."))
    for path in (place / "__init__.py", place.with_name(place.name + ".py")):
        if path.is_file():
            return _parse(name, path)
    if place.is_dir() and any(place.glob("*.py")):  # a namespace package
        return Module(name, b"", None)
    return None


def _parse(name: str, path: Path) -> Module:
    status = path.stat()
    signature = (status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino)
    known = _parsed.get((name, path))
    if known is None or known[0] != signature:
        known = signature, Module(name, path.read_bytes(), path)
        _parsed[name, path] = known
    return known[1]
