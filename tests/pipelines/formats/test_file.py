"""Files and directories: the same bytes for equal content, and no archive writes outside of its folder."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from pathlib import Path

import pytest

from argosy.errors import CorruptError, InputError
from argosy.pipelines.format import Saved, find
from argosy.pipelines.formats.sink import SMALL
from tests.pipelines.trip import Trip


def tree(root: Path) -> Path:
    """A directory with one of each thing that it may hold."""
    (root / "deep" / "empty").mkdir(parents=True)
    (root / "a.txt").write_text("one")
    (root / "deep" / "ünïcode name").write_bytes(b"two" * 1000)
    (root / "run.sh").write_text("#!/bin/sh")
    (root / "run.sh").chmod(0o750)
    (root / "deep" / "link").symlink_to("../a.txt")
    (root / "down").symlink_to("deep/empty")
    return root


def content(root: Path) -> dict[str, str | bytes]:
    """All that is below a directory."""
    found: dict[str, str | bytes] = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_symlink():
            found[name] = str(path.readlink())
        else:
            found[name] = (
                "directory" if path.is_dir() else path.read_bytes() + oct(path.stat().st_mode & 0o777).encode()
            )
    return found


@pytest.mark.parametrize("size", [0, 3, 3 * SMALL])
def test_a_file_comes_back_under_its_name(trip: Trip, tmp_path: Path, size: int) -> None:
    path = tmp_path / "my plot.bin"
    path.write_bytes(os.urandom(size))
    name, saved = trip.save(path)
    back = trip.load(name, saved, Path)
    assert (name, back.name, back.read_bytes()) == ("file", "my plot.bin", path.read_bytes())
    assert back.is_relative_to(trip.root / "scratch")
    os.utime(path, (1, 1))
    path.chmod(0o600)
    assert trip.save(path) == (name, saved)
    link = tmp_path / "elsewhere"
    link.mkdir()
    (link / "my plot.bin").symlink_to(path)
    assert trip.save(link / "my plot.bin") == (name, saved)


def test_a_directory_comes_back(trip: Trip, tmp_path: Path) -> None:
    first, second = tree(tmp_path / "first"), tree(tmp_path / "second")
    os.utime(second / "a.txt", (1, 1))
    name, saved = trip.save(first)
    back = trip.load(name, saved)
    assert name == "directory"
    assert {**content(first), "run.sh": b"#!/bin/sh0o755"} == content(back)
    assert trip.save(second) == trip.save(back) == (name, saved)
    (second / "a.txt").write_text("other")
    assert trip.save(second)[1].digest != saved.digest


def test_paths_within_a_value_come_back(trip: Trip, tmp_path: Path) -> None:
    (tmp_path / "one").write_text("1")
    back = trip.again({"paths": [tmp_path / "one"]})
    assert back["paths"][0].read_text() == "1"


@pytest.mark.parametrize("to", ["/etc/passwd", "../../outside", "deep/../../outside", "..", "/"])
def test_a_link_that_leads_out_is_not_saved(trip: Trip, tmp_path: Path, to: str) -> None:
    root = tree(tmp_path / "root")
    (root / "bad").symlink_to(to)
    with pytest.raises(InputError, match="bad leads to"):
        trip.save(root)
    assert not trip.blobs.root.exists() or trip.blobs.drafts() == []


def test_what_is_no_file_is_not_saved(trip: Trip, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="where there is no file"):
        trip.save(tmp_path / "missing")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="pipe is neither a file"):
        trip.save(tmp_path)


def entry(name: str, kind: bytes = tarfile.REGTYPE, to: str = "", size: int = 0) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname, made.size = kind, to, size
    return made


def archive(*entries: tarfile.TarInfo) -> Saved:
    memory = io.BytesIO()
    with tarfile.open(fileobj=memory, mode="w") as made:
        for each in entries:
            made.addfile(each, io.BytesIO(b"x" * each.size))
    data = memory.getvalue()
    return Saved(hashlib.sha256(data).hexdigest(), len(data), data)


@pytest.mark.parametrize(
    "entries",
    [
        [entry("../escape", size=1)],
        [entry("/absolute", size=1)],
        [entry("a/../../escape", size=1)],
        [entry("out", tarfile.SYMTYPE, "/"), entry("out/escape", size=1)],
        [entry("out", tarfile.SYMTYPE, "..")],
        [entry("a", tarfile.SYMTYPE, "."), entry("b", tarfile.SYMTYPE, "a/..")],
        [entry("a", tarfile.SYMTYPE, "b"), entry("a", size=1), entry("a", size=1)],
        [entry("hard", tarfile.LNKTYPE, "/etc/passwd")],
        [entry("device", tarfile.CHRTYPE)],
        [entry("pipe", tarfile.FIFOTYPE)],
        [entry("sparse", tarfile.GNUTYPE_SPARSE)],
        [entry("lost/file", size=1)],
        [entry("file", size=1), entry("file/inside", size=1)],
        [entry(".", size=1)],
    ],
)  # fmt: skip
def test_a_hostile_archive_writes_nothing_outside(trip: Trip, entries: list[tarfile.TarInfo]) -> None:
    saved = archive(*entries)
    for name in ("directory", "file"):
        with pytest.raises(CorruptError, match="no artifact of files"):
            trip.load(name, saved)
    outside = [path for path in trip.root.rglob("*") if not path.is_relative_to(trip.root / "scratch")]
    assert outside == []
    assert not any(path.name == "escape" for path in trip.root.parent.rglob("escape"))


def test_a_link_through_a_link_is_made_last(trip: Trip) -> None:
    """A file below the name of a link is refused even where the link itself would be a good one."""
    saved = archive(entry("real", tarfile.DIRTYPE), entry("link", tarfile.SYMTYPE, "real"), entry("link/file", size=1))
    with pytest.raises(CorruptError, match="no artifact of files"):
        trip.load("directory", saved)


def test_several_files_or_other_bytes_are_no_file(trip: Trip) -> None:
    for saved in (archive(entry("a"), entry("b")), archive(entry("a", tarfile.DIRTYPE)), archive()):
        with pytest.raises(CorruptError, match="not one file"):
            trip.load("file", saved)
    with pytest.raises(CorruptError, match="no artifact of files"):
        trip.load("file", Saved(hashlib.sha256(b"no tar").hexdigest(), 6, b"no tar"))


def test_previews_say_how_much_there_is(tmp_path: Path) -> None:
    root = tree(tmp_path / "root")
    assert find(root).preview(root) == {
        "kind": "directory", "files": 5, "bytes": 3 + 3000 + 9 + len("../a.txt") + len("deep/empty"),
        "names": ["a.txt", "deep/link", "deep/ünïcode name", "down", "run.sh"],
    }  # fmt: skip
    assert find(root / "a.txt").preview(root / "a.txt") == {"kind": "file", "name": "a.txt", "bytes": 3}
