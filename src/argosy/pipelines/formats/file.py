"""Files and directories as tar archives: streamed, and the same bytes for equal content whoever has it.

A link is kept where it can only lead to a place within the directory: as many `..` as wanted, then names. Nothing of an
archive is trusted: its names are checked again before anything is written, and its links are made last.
"""

from __future__ import annotations

import os
import stat
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Any

from argosy.errors import CorruptError, InputError
from argosy.pipelines.formats.source import Source
from argosy.spec.format import File, Format

_LISTED = 20


class OneFile(Format):
    """A file of any size under its own name."""

    name = "file"

    def save(self, value: Any, file: File) -> None:
        """See `Format.save`. Raises `InputError` where there is no such file."""
        path = Path(value)
        if not path.is_file():
            raise InputError(f"the step gave the path {path}, where there is no file", next="write it before returning")
        with tarfile.open(fileobj=file, mode="w|", format=tarfile.PAX_FORMAT) as archive:
            _add(archive, path, path.name, path.stat())

    def load(self, file: File, wanted: Any) -> Path:
        """See `Format.load`: a path in scratch. Raises `CorruptError` for anything but one plain file."""
        assert isinstance(file, Source)
        folder = file.folder()
        _unpack(file, folder)
        found = list(folder.iterdir())
        if len(found) != 1 or not found[0].is_file():
            raise _bad("its content is not one file")
        return found[0]

    def preview(self, value: Any) -> dict[str, Any]:
        """See `Format.preview`."""
        return {"kind": "file", "name": value.name[:200], "bytes": value.stat().st_size}


class Directory(Format):
    """A directory with all that is in it: names, content, whether it is executable, and links within."""

    name = "directory"

    def save(self, value: Any, file: File) -> None:
        """See `Format.save`. Raises `InputError` for links that lead out of it, and for what is no file."""
        root = Path(value)
        with tarfile.open(fileobj=file, mode="w|", format=tarfile.PAX_FORMAT) as archive:
            for path in _tree(root):
                _add(archive, path, path.relative_to(root).as_posix(), path.lstat())

    def load(self, file: File, wanted: Any) -> Path:
        """See `Format.load`: a path in scratch. Raises `CorruptError` for an archive that leads out of it."""
        assert isinstance(file, Source)
        folder = file.folder()
        _unpack(file, folder)
        return folder

    def preview(self, value: Any) -> dict[str, Any]:
        """See `Format.preview`: how much there is, and the first names."""
        files = [path for path in _tree(Path(value)) if not path.is_dir() or path.is_symlink()]
        names = [path.relative_to(value).as_posix()[:100] for path in files[:_LISTED]]
        return {"kind": "directory", "files": len(files), "bytes": sum(path.lstat().st_size for path in files),
                "names": names}  # fmt: skip


def single(file: Source) -> tuple[str, IO[bytes]]:
    """The name and the content of a file that was kept, to be read while `file` is open. Raises CorruptError."""
    try:
        archive = tarfile.open(fileobj=file, mode="r:")  # noqa: SIM115 - the content is read from it later
        entry = archive.next()
        content = archive.extractfile(entry) if entry is not None and entry.isreg() and not entry.issparse() else None
    except (tarfile.TarError, ValueError) as error:
        raise _bad(str(error)) from error
    if entry is None or content is None:
        raise _bad("its content is not one file")
    return _place(entry).name, content


def _tree(root: Path) -> Iterator[Path]:
    """All that is below a directory, each directory before its content, in the order of names."""
    for path in sorted(root.iterdir(), key=lambda each: each.name):
        yield path
        if path.is_dir() and not path.is_symlink():
            yield from _tree(path)


def _add(archive: tarfile.TarFile, path: Path, name: str, state: os.stat_result) -> None:
    """Add one entry without times and owners."""
    entry = tarfile.TarInfo(name)
    entry.mode = 0o755 if state.st_mode & stat.S_IXUSR else 0o644
    if stat.S_ISREG(state.st_mode):
        entry.size = state.st_size
        with path.open("rb") as content:
            archive.addfile(entry, content)
    elif stat.S_ISDIR(state.st_mode):
        entry.type = tarfile.DIRTYPE
        archive.addfile(entry)
    elif stat.S_ISLNK(state.st_mode):
        entry.type, entry.linkname = tarfile.SYMTYPE, path.readlink().as_posix()
        if not _stays(entry):
            raise InputError(f"the link {path} leads to {entry.linkname}, out of its directory or by a detour",
                             next="copy what it leads to, or link to it by a relative path")  # fmt: skip
        archive.addfile(entry)
    else:
        raise InputError(f"{path} is neither a file, a directory nor a link", next="remove it before returning")


def _stays(link: tarfile.TarInfo) -> bool:
    """Whether a link leads to a place within, wherever the other links lead that stay within."""
    parts = PurePosixPath(link.linkname).parts
    up = next((index for index, part in enumerate(parts) if part != ".."), len(parts))
    inside = up <= len(PurePosixPath(link.name).parts) - 1
    return inside and bool(parts) and parts[0] != "/" and ".." not in parts[up:]


def _unpack(file: Source, folder: Path) -> None:
    links = []
    try:
        with tarfile.open(fileobj=file, mode="r|") as archive:
            for entry in archive:
                target = folder / _place(entry)
                if entry.isdir():
                    target.mkdir()
                elif entry.issym() and _stays(entry):
                    links.append((target, entry.linkname))
                elif entry.isreg() and not entry.issparse():
                    _write(archive, entry, target)
                else:
                    raise _bad(f"{entry.name!r} is a link that leads out of it, or no file")
        for target, to in links:
            target.symlink_to(to)
    except (tarfile.TarError, ValueError, FileExistsError, FileNotFoundError, NotADirectoryError) as error:
        raise _bad(str(error)) from error


def _place(entry: tarfile.TarInfo) -> PurePosixPath:
    place = PurePosixPath(entry.name)
    if place.is_absolute() or ".." in place.parts or not place.parts or "\0" in entry.name:
        raise _bad(f"{entry.name!r} leads out of it")
    return place


def _write(archive: tarfile.TarFile, entry: tarfile.TarInfo, target: Path) -> None:
    content = archive.extractfile(entry)
    assert content is not None
    with content, target.open("xb") as out:
        while chunk := content.read(1 << 20):
            out.write(chunk)
    target.chmod(0o755 if entry.mode & stat.S_IXUSR else 0o644)


def _bad(what: str) -> CorruptError:
    return CorruptError(f"these bytes are no artifact of files: {what}", next="run its step again")
