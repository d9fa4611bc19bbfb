"""Files of a project that its code names, such as a table that a module reads beside itself."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from argosy.spec.tree import is_installed

LARGEST = 8 * 2**20
"""Bytes above which a file is no part of the code; rows belong into a dataset."""

_LONGEST = 255  # characters of a text that may be a path; a SQL query or a message is longer


def named(texts: Iterable[str], folders: Iterable[Path], roots: tuple[Path, ...]) -> dict[str, str]:
    """The files that some texts name, by their path below the root, each with the SHA-256 of its content.

    A text names a file by its path from one of the folders, from a folder above that within a root, or from a folder
    that another of the texts names: `HERE / "tables" / "codes.json"`. A word that happens to be the name of a file
    counts, too. Not counted: what is hidden or lies outside of the roots, and files larger than `LARGEST`.
    """
    paths = sorted({text for text in texts if text.strip() and len(text) <= _LONGEST})
    found: dict[str, str] = {}
    known: set[Path] = set()
    waiting = [
        each for folder in sorted(folders) for each in (folder, *folder.parents) if _root(each, roots) is not None
    ]
    while waiting:
        folder = waiting.pop()
        if folder.resolve() in known:
            continue
        known.add(folder.resolve())
        for text in paths:
            path = Path(os.path.normpath(folder / text))
            root, target = _root(path, roots), _target(path)
            if root is None or target is None or _root(target, roots) is None:
                continue
            if target.is_dir():
                waiting.append(path)
            elif target.is_file() and target.stat().st_size <= LARGEST:
                found[path.relative_to(root).as_posix()] = hashlib.sha256(target.read_bytes()).hexdigest()
    return dict(sorted(found.items()))


def _target(path: Path) -> Path | None:
    """What a path leads to, if there is anything."""
    try:
        return path.resolve(strict=True)
    except (OSError, ValueError, RuntimeError):  # no such file, no path at all, links in a circle
        return None


def _root(path: Path, roots: tuple[Path, ...]) -> Path | None:
    """The root that a path lies below, unless a part of it is hidden or it belongs to an installed package."""
    root = next((root for root in roots if path.is_relative_to(root)), None)
    if root is None or is_installed(path) or any(part.startswith(".") for part in path.relative_to(root).parts):
        return None
    return root
