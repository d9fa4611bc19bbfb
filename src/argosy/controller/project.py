"""Projects: from a module on disk, or from the bundle that was applied, to declarations."""

from __future__ import annotations

import importlib
import sys
import sysconfig
from pathlib import Path
from types import ModuleType

from sqlalchemy import Connection

from argosy.errors import ArgosyError, DeclarationError
from argosy.spec import document
from argosy.spec.project import Project
from argosy.store import declarations


def load(module: Path) -> tuple[Project, ModuleType]:
    """Import a project's module and collect what it declares. Runs the user's code, in this process.

    An error in that code is reported with its file and line.
    """
    root = str(module.parent)
    forget(root)
    sys.path.insert(0, root)
    try:
        importlib.invalidate_caches()
        found = importlib.import_module(module.stem)
    except ArgosyError:
        raise
    except Exception as error:
        raise DeclarationError(f"{module.name} failed: {_where(error, root)}", next=f"python {module.name}") from error
    finally:
        sys.path.remove(root)
    return Project.collect(found), found


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
        file = getattr(module, "__file__", None)
        if file and (Path(file).is_relative_to(root) or name.partition(".")[0] in own) and not _installed(file):
            del sys.modules[name]


def _installed(file: str) -> bool:
    """Whether a file belongs to the standard library or to an installed distribution."""
    return any(part in ("site-packages", "dist-packages") for part in Path(file).parts) or file.startswith(_STDLIB)


_STDLIB = sysconfig.get_paths()["stdlib"]


def _where(error: Exception, root: str) -> str:
    trace = error.__traceback__
    place = ""
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if file.startswith(root):
            place = f"{Path(file).name} line {trace.tb_lineno}: "
        trace = trace.tb_next
    return f"{place}{type(error).__name__}: {error}"
