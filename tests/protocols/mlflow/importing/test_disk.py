"""Directories that may be read, and no way out of them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from argosy.errors import InputError
from argosy.protocols.mlflow.importing.disk import Disk
from argosy.protocols.mlflow.importing.source import ElsewhereError, File


def test_files_are_told_by_their_paths(tmp_path: Path) -> None:
    (tmp_path / "b" / "c").mkdir(parents=True)
    (tmp_path / "b" / "c" / "x").write_bytes(b"12")
    (tmp_path / "a").write_bytes(b"1")
    disk = Disk([tmp_path])
    assert [each.path for each in disk.files(tmp_path)] == ["a", "b/c/x"]
    assert b"".join(disk.read(File("x", None, str(tmp_path / "b" / "c" / "x")))) == b"12"
    assert list(disk.files(tmp_path / "none")) == []


@pytest.mark.parametrize("shape", ["{0}/in", "file://{0}/in", "file://localhost{0}/in", "file:{0}/in"])
def test_a_location_names_a_directory(tmp_path: Path, shape: str) -> None:
    assert Disk([tmp_path]).folder(shape.format(tmp_path)) == tmp_path / "in"


@pytest.mark.parametrize(
    "shape", ["{0}/in/../../x", "file://{0}/in/%2e%2e/%2e%2e/x", "/etc", "etc", "{0}x", "{0}/link"]
)
def test_what_leads_out_is_refused(tmp_path: Path, shape: str) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "link").symlink_to("/etc")
    with pytest.raises(ElsewhereError, match="may be read"):
        Disk([tmp_path / "in"]).folder(shape.format(tmp_path))


@pytest.mark.parametrize("location", ["s3://bucket/x", "file://elsewhere/x", "mlflow-artifacts:/1"])
def test_what_lies_on_no_disk_here_is_no_directory(tmp_path: Path, location: str) -> None:
    assert Disk([tmp_path]).folder(location) is None


def test_what_would_never_end_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="is no file"):
        list(Disk([tmp_path]).read(File("pipe", None, str(tmp_path / "pipe"))))
