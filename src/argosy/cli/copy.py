"""Copies: an artifact as a file that other programs read, of the kind that the file's ending says."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from argosy.cli import show, target
from argosy.controller import result
from argosy.errors import ConflictError, InputError
from argosy.pipelines import format
from argosy.pipelines.format import Source
from argosy.pipelines.formats import report
from argosy.store import Blobs
from argosy.store.artifacts import Artifact

_CHUNK = 1 << 20
_WRITERS: dict[str, dict[str, Callable[[Source], str]]] = {
    "value": {".json": lambda source: result.json([source])},
    "report": {
        ".html": lambda source: report.page(_report(source)),
        ".md": lambda source: report.text(_report(source)),
    },
    "array": {".npy": lambda source: ""},
}


def write(blobs: Blobs, artifact: Artifact, kind: str, name: str, path: Path, *, force: bool) -> None:
    """Write an artifact of a format other than a table. A file keeps its own name in a directory; of a directory the
    content is written to one that is not there yet; a model or a format of the project's own is its bytes."""
    if kind in ("file", "directory"):
        path = _unpacked(blobs, artifact, kind, path, force=force)
    else:
        source = result.source(blobs, artifact, Path(tempfile.gettempdir()))
        writers = _WRITERS.get(kind, {})
        with target.whole(path, writers, replace=force) as partial:
            text = writers[path.suffix.lower()](source) if writers else ""
            if text:
                partial.write_text(text, encoding="utf-8")
            else:
                with partial.open("xb") as file:
                    shutil.copyfileobj(source, file, _CHUNK)
    show.say(f"{name} written to {path}")


def text(text: str, name: str, path: Path | None, *, force: bool) -> None:
    """JSON on stdout, or in a file."""
    if path is None:
        show.put(text.rstrip())
        return
    with target.whole(path, (".json",), replace=force) as partial:
        partial.write_text(text, encoding="utf-8")
    show.say(f"{name} written to {path}")


def _report(source: Source) -> Any:
    return format.named("report").load(source, Any)


def _unpacked(blobs: Blobs, artifact: Artifact, kind: str, path: Path, *, force: bool) -> Path:
    """Where files were written. They are unpacked beside it first, so that it appears whole."""
    if kind == "directory" and path.exists():
        raise ConflictError(f"{path} is there already", next="name a directory that is not there yet")
    inside = kind == "file" and path.is_dir()
    beside = path if inside else path.parent
    if not beside.is_dir():
        raise InputError(f"there is no directory {beside} to write {path.name} to", next=f"mkdir -p {beside}")
    with tempfile.TemporaryDirectory(prefix=".argosy-", dir=beside) as scratch:
        found: Path = format.named(kind).load(result.source(blobs, artifact, Path(scratch)), Any)
        made = path / found.name if inside else path
        if kind == "directory":
            os.replace(found, made)
            made.chmod(0o755)
        else:
            with target.whole(made, (), replace=force) as partial:
                os.replace(found, partial)
    return made
