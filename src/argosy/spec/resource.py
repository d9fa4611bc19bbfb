"""Files of a project that its code names, such as a table that a module reads beside itself."""

from __future__ import annotations

import fnmatch
import hashlib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from argosy.errors import DeclarationError
from argosy.spec.inventory import Inventory
from argosy.spec.quantity import plural

LARGEST = 8 * 2**20
"""Bytes above which a file is no part of the code; rows belong into a dataset."""

_MOST = 1_000  # files that count because their folder is listed
_SHORT = 3  # letters of a name: a shorter one would be found in too many words
_PATTERN = re.compile(r"[\w\-.?*\[\]]*[*?][\w\-?*\[\]]*\.\w+")


class _Mention(NamedTuple):
    """What a text may refer to: base names of files, names of folders, and patterns of base names."""

    files: frozenset[str]
    folders: frozenset[str]
    patterns: frozenset[str]


class Resources:
    """Finds the files that code names. Each directory and each file is looked at once, as in the inventory."""

    def __init__(self, inventory: Inventory | None = None) -> None:
        self.inventory = inventory or Inventory()
        self._names: dict[Path, _Names] = {}
        self._digests: dict[Path, str | None] = {}

    def named(self, texts: Iterable[frozenset[str]], roots: Iterable[Path], *, lists: bool) -> dict[str, str]:
        """The files that sets of texts name, by their path below their root, each with the SHA-256 of its content.

        A file counts if its base name occurs anywhere in a text, as in `f"{HERE}/codes.json"`, whichever folder it
        lies in; a name of one or two letters only as a part of a path. Where code `lists` folders, or a text is a
        pattern such as `*.csv`, all files count that lie in a folder whose name is a part of a path in a text; where
        there is no such folder, those whose base name has the pattern. Not counted: what is not in the inventory, links
        that lead out of it, and files larger than `LARGEST`.

        Raises DeclarationError where a file cannot be read, and where folders that are listed hold too many.
        """
        given, found = list(texts), dict[str, str]()
        for root in roots:
            if root not in self._names:
                self._names[root] = _Names(self.inventory.files(root))
            for name in self._names[root].among(given, lists):
                if (digest := self._digest(root, name)) is not None:
                    found[name] = digest
        return dict(sorted(found.items()))

    def _digest(self, root: Path, name: str) -> str | None:
        path = root / name
        if path not in self._digests:
            counts = _counts(root, name, self.inventory.files(root))
            self._digests[path] = hashlib.sha256(self.inventory.read(path)).hexdigest() if counts else None
        return self._digests[path]


class _Names:
    """The names of files and folders below a root, so that they are found in texts in one go over each."""

    def __init__(self, files: Iterable[str]) -> None:
        self._files: dict[str, list[str]] = {}
        self._folders: dict[str, list[str]] = {}
        self._starts: dict[str, dict[int, set[str]]] = {}
        self._known: dict[frozenset[str], _Mention] = {}
        for file in files:
            *folders, name = file.split("/")
            self._files.setdefault(name, []).append(file)
            self._starts.setdefault(name[:_SHORT], {}).setdefault(len(name), set()).add(name)
            for folder in set(folders):
                self._folders.setdefault(folder, []).append(file)

    def among(self, texts: Iterable[frozenset[str]], lists: bool) -> set[str]:
        """The files that some texts refer to."""
        mentions = [self._mention(each) for each in texts]
        found = {file for each in mentions for name in each.files for file in self._files[name]}
        patterns = {pattern for each in mentions for pattern in each.patterns}
        if not lists and not any(map(_PATTERN.fullmatch, patterns)):
            return found
        folders = sorted({folder for each in mentions for folder in each.folders})
        listed = {file for folder in folders for file in self._folders[folder]}
        names = {name for pattern in patterns for name in fnmatch.filter(self._files, pattern) if not folders}
        listed |= {file for name in names for file in self._files[name]}
        if len(listed) > _MOST:
            what = ", ".join([*folders, *(() if folders else sorted(patterns))][:3])
            raise DeclarationError(
                f"code that lists folders of the project names {what}, which holds {plural(len(listed), 'file')}; at "
                f"most {_MOST:,} are a part of the code",
                next="declare them as a dataset, or move them out of the project's directory",
            )
        return found | listed

    def _mention(self, texts: frozenset[str]) -> _Mention:
        if texts not in self._known:
            parts = {part for text in texts for part in re.split(r"[/\\]", text)}
            files = {part for part in parts if part in self._files}.union(*map(self._within, parts))
            patterns = {part for part in parts if ("*" in part or "?" in part) and part.strip("*?.")}
            folders = parts & self._folders.keys()
            self._known[texts] = _Mention(frozenset(files), frozenset(folders), frozenset(patterns))
        return self._known[texts]

    def _within(self, text: str) -> set[str]:
        found: set[str] = set()
        for start in range(len(text) - _SHORT + 1):
            lengths = self._starts.get(text[start : start + _SHORT])
            for length, names in lengths.items() if lengths else ():
                if text[start : start + length] in names:
                    found.add(text[start : start + length])
        return found


def _counts(root: Path, name: str, files: frozenset[str]) -> bool:
    """Whether what a name leads to is a file, is not large and is in the inventory, too."""
    try:
        path = (root / name).resolve(strict=True)
    except (OSError, RuntimeError):  # no such file any more, links in a circle
        return False
    held = path.is_relative_to(root) and path.relative_to(root).as_posix() in files
    return held and path.is_file() and path.stat().st_size <= LARGEST
