"""Bundles: a project's modules as one content-addressed archive, with its libraries; and the commit that it is in."""

from __future__ import annotations

import ast
import hashlib
import io
import re
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Collection, Sequence
from datetime import datetime
from functools import cache
from importlib import metadata
from pathlib import Path, PurePosixPath

import msgspec

from argosy.errors import CorruptError, DeclarationError, UnknownError, UsageError
from argosy.spec import git
from argosy.spec.inventory import BYTES, Inventory
from argosy.store import applications, bundles
from argosy.store.blobs import Blobs

_MEMBERS = 2_000
_BUILT = {"build", "dist"}
_PACKAGE = "__init__.py"
_IMPORT = re.compile(r"^\s*(from|import)\s", re.MULTILINE)


class Archive(msgspec.Struct, frozen=True):
    """The modules of a project, and the files that they read: `data` is a tar of their names and contents alone."""

    project: str
    data: bytes
    modules: dict[str, str]
    imports: frozenset[str]

    @property
    def digest(self) -> str:
        """SHA-256 of the archive."""
        return hashlib.sha256(self.data).hexdigest()


def make(
    module: Path, named: Collection[str] = (), imported: Collection[str] = (), inventory: Inventory | None = None
) -> Archive:
    """The archive of a project's module and of every first-party module beside it that it may import.

    Of a package, which is given by its directory, it is all modules within. Paths are from the directory that the
    module lies in: `named` are further files that its code reads, where one that the inventory does not have belongs
    to code that lies elsewhere; `imported` are modules that it has imported. Raises DeclarationError where one of those
    is not in the inventory, and where a file cannot be read.
    """
    root, inventory = module.parent, inventory or Inventory()
    files = _files(module, named, imported, inventory)
    buffer = io.BytesIO()
    modules: dict[str, str] = {}
    imports: set[str] = set()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name in files:
            data = inventory.read(root / name)
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
            modules[name] = hashlib.sha256(data).hexdigest()
            imports |= _imports(name, data) if name.endswith(".py") else set()
    return Archive(module.stem, buffer.getvalue(), modules, frozenset(imports))


def describe(archive: Archive, at: datetime, actor: str) -> bundles.Bundle:
    """The bundle's facts: its modules, and the libraries imported."""
    return bundles.Bundle(
        digest=archive.digest, project=archive.project, at=at, libraries=_libraries(archive.imports),
        modules=archive.modules, actor=actor,
    )  # fmt: skip


def application(archive: Archive, root: Path, at: datetime, actor: str) -> applications.NewApplication:
    """That it is applied now: the git commit of `root`, and whether that lacks a file of the bundle, or has another."""
    commit = git.ask(root, "rev-parse", "HEAD")
    return applications.NewApplication(
        bundle=archive.digest, project=archive.project, at=at, actor=actor, git_commit=commit or None,
        dirty=bool(commit) and not _holds(root, archive.modules),
    )  # fmt: skip


def _holds(root: Path, files: Collection[str]) -> bool:
    """Whether the commit that is checked out has all of some files, as they are now."""
    tracked = git.ask(root, "ls-files", "-z", "--cached", "--", *files) or ""
    return set(files) <= set(tracked.split("\0")) and git.ask(root, "status", "--porcelain", "--", *files) == ""


def unpack(blobs: Blobs, digest: str, cache: Path) -> Path:
    """The directory that holds a bundle's modules, unpacked once under `cache`; safe when two do it at once."""
    target = cache / digest
    if target.is_dir():
        return target
    data = blobs.get(digest)
    cache.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".{digest}.", dir=cache))
    try:
        _extract(data, staging)
        staging.rename(target)
    except tarfile.TarError as error:
        raise CorruptError(f"bundle {digest} cannot be unpacked: {error}", next="argosy apply, to record it") from error
    except OSError:
        if not target.is_dir():  # else another process was there first
            raise
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return target


def read(blobs: Blobs, digest: str, names: Collection[str]) -> dict[str, bytes]:
    """The contents of some of a bundle's files, of those that it holds."""
    with tarfile.open(fileobj=io.BytesIO(blobs.get(digest))) as archive:
        held = {each.name: archive.extractfile(each) for each in archive if each.isreg() and each.name in names}
        return {name: content.read() for name, content in held.items() if content is not None}


def _extract(data: bytes, folder: Path) -> None:
    """Write the files of an archive below `folder`; anything but a plain file at a plain path is refused.

    Python 3.11 has extraction filters only from 3.11.4 on, and a bundle holds nothing that needs them.
    """
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for each in archive:
            name = PurePosixPath(each.name)
            if not each.isreg() or name.is_absolute() or ".." in name.parts or "\\" in each.name:
                raise tarfile.ExtractError(f"{each.name!r} is not a plain file inside the bundle")
            content = archive.extractfile(each)
            assert content is not None
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.read())


def locate(path: str | Path, pipeline: str | None = None) -> Path:
    """The module of a project: its file, or the directory of a package.

    It is given so, or as a directory that holds one module with a fleet, dataset or pipeline; where its `__init__.py`
    declares or imports anything, it is a package. Where a directory holds several, it is the one whose
    text declares `pipeline`.
    """
    found = Path(path).expanduser().resolve()
    if found.is_file() and found.suffix == ".py":
        return _package(found.parent) if found.name == _PACKAGE else found
    if not found.is_dir():
        said = "does not exist" if not found.exists() else "is neither a .py file nor a directory"
        raise UnknownError(f"project {str(path)!r} {said}", next="argosy init")
    if _gathers(found / _PACKAGE):
        return _package(found)
    modules = [p for p in sorted(found.glob("*.py")) if _declares(p)]
    if len(modules) > 1 and pipeline is not None:
        return _declaring(modules, str(path), pipeline)
    if len(modules) == 1:
        return modules[0]
    shown = ", ".join(p.name for p in modules) or "none"
    raise UnknownError(
        f"directory {str(path)!r} holds {len(modules)} modules with a fleet, dataset or pipeline ({shown}); one is "
        "needed",
        next="name the file: argosy apply project.py" if modules else "argosy init writes one here, or name its file",
    )


def _declaring(modules: Sequence[Path], folder: str, pipeline: str) -> Path:
    """The one of several modules whose text declares a pipeline."""
    name = re.escape(pipeline)
    written = re.compile(
        rf"""^@(\w+\.)*pipeline\b(?:(?!^(?:async )?def ).)*?(\bname\s*=\s*["']{name}["']|^def\s+{name}\s*\()"""
        rf"""|\bpipeline\([^()]*\bname\s*=\s*["']{name}["']""",
        re.MULTILINE | re.DOTALL,
    )
    found = [each for each in modules if written.search(each.read_text(encoding="utf-8", errors="replace"))]
    if len(found) == 1:
        return found[0]
    if found:
        shown = ", ".join(each.name for each in found)
        raise UsageError(
            f"{len(found)} modules in directory {folder!r} declare pipeline {pipeline!r}: {shown}",
            next=f"name one with --project {found[0].name}",
        )
    shown = ", ".join(each.name for each in modules)
    raise UnknownError(
        f"none of the {len(modules)} modules in directory {folder!r} declares pipeline {pipeline!r}: {shown}",
        next=f"name the one that makes it with --project {modules[0].name}, or correct the name",
    )


def _package(folder: Path) -> Path:
    if "." in folder.name:
        raise UnknownError(
            f"the package {str(folder)!r} cannot be imported by its name, {folder.name}", next="rename its directory"
        )
    return folder


def _declares(path: Path) -> bool:
    text = path.read_text(encoding="utf-8", errors="replace")
    return "argosy" in text and any(word in text for word in ("Fleet(", "Dataset(", "@ag.pipeline", "@pipeline"))


def _gathers(path: Path) -> bool:
    """Whether a file makes its directory a package that declares something: by itself, or by what it imports."""
    if not path.is_file():
        return False
    return _declares(path) or _IMPORT.search(path.read_text(encoding="utf-8", errors="replace")) is not None


def _files(module: Path, named: Collection[str], imported: Collection[str], inventory: Inventory) -> list[str]:
    root, inside = module.parent, f"{module.name}/" if module.is_dir() else ""
    held = inventory.files(root)
    if missing := sorted(set(imported) - held):
        raise DeclarationError(
            f"project {module.name} imports {missing[0]}, which is no part of its bundle: git ignores it, or it lies "
            "in a folder that is hidden or linked",
            next=f"let git have {missing[0]}; what is secret in it, read from the environment",
        )
    code = {
        name for name in held
        if name.endswith(".py") and name.startswith(inside) and _BUILT.isdisjoint(name.split("/"))
        and (root / name).is_file()
    }  # fmt: skip
    found = sorted(code | (held & set(named)) | set(imported))
    size = sum((root / name).stat().st_size for name in code)
    if len(found) > _MEMBERS or size > BYTES:
        raise DeclarationError(
            f"project {module.name} lies beside {len(found)} files of code, {size:,} bytes; at most {_MEMBERS} files "
            f"and {BYTES:,} bytes make a bundle",
            next="move the project into a directory of its own",
        )
    return found


def _imports(name: str, data: bytes) -> set[str]:
    try:
        tree = ast.parse(data, name)
    except (SyntaxError, ValueError):
        return set()  # where the project imports it, loading the project has said so
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names


_distributions = cache(metadata.packages_distributions)  # it reads the list of every installed file


def _libraries(imports: frozenset[str]) -> dict[str, str]:
    known = _distributions()
    found = sorted({dist for name in imports for dist in known.get(name, ())} | {"argosy"})
    versions = {name: metadata.version(name) for name in found}
    return {"python": ".".join(map(str, sys.version_info[:3])), **versions}
