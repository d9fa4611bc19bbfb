"""Bundles: a project's modules as one content-addressed archive, with its libraries; and the commit that it is in."""

from __future__ import annotations

import ast
import hashlib
import io
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Collection
from datetime import datetime
from functools import cache
from importlib import metadata
from pathlib import Path, PurePosixPath

import msgspec

from argosy.errors import CorruptError, DeclarationError, UnknownError
from argosy.store import applications, bundles
from argosy.store.blobs import Blobs

_MEMBERS = 2_000
_BYTES = 64 * 2**20
_SKIPPED = {"__pycache__", "node_modules", "build", "dist"}


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


def make(module: Path, named: Collection[str] = ()) -> Archive:
    """The archive of a project's module file and of every first-party module beside it that it may import.

    `named` are further files that its code reads, by their path from the module's directory; where one is not there,
    it belongs to code that lies elsewhere.
    """
    root = module.parent
    files = _files(module, named)
    buffer = io.BytesIO()
    modules: dict[str, str] = {}
    imports: set[str] = set()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in files:
            name, data = path.relative_to(root).as_posix(), path.read_bytes()
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
            modules[name] = hashlib.sha256(data).hexdigest()
            imports |= _imports(path, data) if path.suffix == ".py" else set()
    return Archive(module.stem, buffer.getvalue(), modules, frozenset(imports))


def describe(archive: Archive, at: datetime, actor: str) -> bundles.Bundle:
    """The bundle's facts: its modules, and the libraries imported."""
    return bundles.Bundle(
        digest=archive.digest, project=archive.project, at=at, libraries=_libraries(archive.imports),
        modules=archive.modules, actor=actor,
    )  # fmt: skip


def application(archive: Archive, root: Path, at: datetime, actor: str) -> applications.NewApplication:
    """That it is applied now: the git commit of `root`, and whether its tree is dirty."""
    commit = _git(root, "rev-parse", "HEAD")
    dirty = bool(commit) and bool(_git(root, "status", "--porcelain", "--", "."))
    return applications.NewApplication(
        bundle=archive.digest, project=archive.project, at=at, actor=actor, git_commit=commit or None, dirty=dirty
    )


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


def locate(path: str | Path) -> Path:
    """The module file of a project given as a file, or as a directory with one module that imports argosy."""
    found = Path(path).expanduser().resolve()
    if found.is_file() and found.suffix == ".py":
        return found
    if not found.is_dir():
        raise UnknownError(f"project {str(path)!r} is neither a .py file nor a directory", next="argosy init")
    modules = [p for p in sorted(found.glob("*.py")) if _declares(p)]
    if len(modules) == 1:
        return modules[0]
    shown = ", ".join(p.name for p in modules) or "none"
    raise UnknownError(
        f"directory {str(path)!r} holds {len(modules)} modules with a fleet or dataset ({shown}); one is needed",
        next="name the file: argosy apply project.py" if modules else "argosy init writes one here, or name its file",
    )


def _declares(path: Path) -> bool:
    text = path.read_text(encoding="utf-8", errors="replace")
    return "argosy" in text and ("Fleet(" in text or "Dataset(" in text)


def _files(module: Path, named: Collection[str]) -> list[Path]:
    root = module.parent
    environments = [place.parent for place in root.rglob("pyvenv.cfg")]
    found = [
        path for path in sorted(root.rglob("*.py"))
        if not any(part in _SKIPPED or part.startswith(".") for part in path.relative_to(root).parts)
        and not any(path.is_relative_to(place) for place in environments)
    ]  # fmt: skip
    found = sorted({*found, *(path for path in (root / name for name in named) if path.is_file())})
    size = sum(path.stat().st_size for path in found)
    if len(found) > _MEMBERS or size > _BYTES:
        raise DeclarationError(
            f"project {module.name} lies beside {len(found)} files of code, {size:,} bytes; at most {_MEMBERS} files "
            f"and {_BYTES:,} bytes make a bundle",
            next="move the project into a directory of its own",
        )
    return found


def _imports(path: Path, data: bytes) -> set[str]:
    try:
        tree = ast.parse(data, path.name)
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


def _git(root: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
