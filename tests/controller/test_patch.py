"""In what the code of two bundles differs."""

from __future__ import annotations

from pathlib import Path

import pytest

from argosy.controller import bundle, patch
from argosy.errors import UnknownError
from argosy.store import Store
from argosy.store.bundles import Bundle
from tests.controller.test_tracked import NOW


def _bundle(store: Store, place: Path, **files: bytes) -> Bundle:
    place.mkdir()
    for name, data in files.items():
        (place / name.replace("_py", ".py").replace("_bin", ".bin")).write_bytes(data)
    archive = bundle.make(place / "project.py", {each.name for each in place.glob("*.bin")})
    store.blobs.put(archive.data)
    return bundle.describe(archive, NOW, "ann")


def test_modules_are_compared_line_by_line(home: Path, tmp_path: Path) -> None:
    with Store.open(home) as store:
        code = {"project_py": b"import argosy\na = 1\nb = 2\n", "same_py": b"x = 1\n"}
        one = _bundle(store, tmp_path / "one", **code, old_py=b"y = 1\n", table_bin=b"\xff\x00")
        code["project_py"] = b"import argosy\na = 1\nb = 3\n"
        two = _bundle(store, tmp_path / "two", **code, new_py=b"z = 1\n", table_bin=b"\xff\x00\xff")
        found = patch.between(store.blobs, one, two)
        assert found == [
            "--- nothing", "+++ b/new.py", "@@ -0,0 +1 @@", "+z = 1",
            "--- a/old.py", "+++ nothing", "@@ -1 +0,0 @@", "-y = 1",
            "--- a/project.py", "+++ b/project.py", "@@ -1,3 +1,3 @@", " import argosy", " a = 1", "-b = 2", "+b = 3",
            "table.bin: other content, of 2 and 3 bytes",
        ]  # fmt: skip
        assert patch.between(store.blobs, one, two, most=4) == found[:4]
        assert patch.between(store.blobs, one, one) == []
        store.blobs.path(two.digest).unlink()
        with pytest.raises(UnknownError):
            patch.between(store.blobs, one, two)


def test_the_lines_of_what_is_large_are_not_compared(home: Path, tmp_path: Path) -> None:
    with Store.open(home) as store:
        one = _bundle(store, tmp_path / "one", project_py=b"import argosy\n" + b"# x\n" * 60_000)
        two = _bundle(store, tmp_path / "two", project_py=b"import argosy\n")
        assert patch.between(store.blobs, one, two) == ["project.py: other content, of 240,014 and 14 bytes"]
