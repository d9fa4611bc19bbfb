"""Projects: from a module on disk, or from the bundle that was applied, to declarations."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

from sqlalchemy import Connection

from argosy.errors import ArgosyError, DeclarationError
from argosy.spec import document, place
from argosy.spec.project import Project
from argosy.store import declarations


def load(module: Path) -> tuple[Project, ModuleType]:
    """Import a project's module, or its package, and collect what it declares. Runs the user's code, in this process.

    An error in that code is reported with its file and line.
    """
    root = str(module.parent)
    forget(root)
    sys.path.insert(0, root)
    try:
        importlib.invalidate_caches()
        found = importlib.import_module(module.stem)
    except ArgosyError as error:
        if where := place.of(error):
            error.message = f"{where}: {error.message}"
        raise
    except Exception as error:
        raise _failed(module, error) from error
    finally:
        sys.path.remove(root)
    return Project.collect(found), found


def _failed(module: Path, error: Exception) -> DeclarationError:
    package = module.parent
    if (package / "__init__.py").exists() and isinstance(error, ImportError) and "relative import" in str(error):
        return DeclarationError(
            f"{module.name} is part of package {package.name} and cannot be imported alone: {place.told(error)}",
            next=f"name the package, {package}, whose __init__.py imports what is declared",
        )
    return DeclarationError(f"{module.name} failed: {place.told(error)}", next=f"python -c 'import {module.stem}'")


def imported(root: Path) -> list[str]:
    """The files below a directory, by their path from it, of the modules that are imported from there."""
    files = {Path(file) for module in list(sys.modules.values()) if (file := _own(module)) is not None}
    return sorted(file.relative_to(root).as_posix() for file in files if file.is_relative_to(root))


def found(root: Path, name: str) -> Path:
    """The module of a project, by the directory that it is imported from: its file, or the directory of a package."""
    package = root / name
    return package if package.is_dir() and not (root / f"{name}.py").exists() else root / f"{name}.py"


def recorded(conn: Connection) -> Project:
    """The project that is in force: every current declaration of the store."""
    return Project.of([document.recorded(row.body) for row in declarations.current(conn)])


def forget(root: str) -> None:
    """Drop modules of a project's directory, or named like its files, so that importing them reads its files anew.

    A bundle holds modules of the same names elsewhere: whichever was imported first would stand for both.
    """
    own = {path.stem for path in Path(root).glob("*.py")} | {
        path.parent.name for path in Path(root).glob("*/__init__.py")
    }
    for name, module in list(sys.modules.items()):
        file = _own(module)
        if file and (Path(file).is_relative_to(root) or name.partition(".")[0] in own):
            del sys.modules[name]


def _own(module: ModuleType) -> str | None:
    """The file of a module, unless it belongs to the standard library, an installed distribution, or argosy itself."""
    file = getattr(module, "__file__", None)
    return str(file) if place.own(file) else None
