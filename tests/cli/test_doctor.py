"""What doctor says of a home that is sound and lacks something."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from argosy.store import Store, artifacts, datasets, resources


@pytest.fixture
def empty(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project that is applied and whose source matches no file."""
    monkeypatch.chdir(tmp_path)
    assert run("init").code == 0
    assert run("apply").code == 0
    return tmp_path


def test_a_dataset_without_a_file_is_named_and_is_no_fault(run, empty: Path) -> None:
    found = run("doctor", "--json")
    (check,) = (each for each in found.json() if each["name"] == "dataset orders")
    assert check["outcome"] == "note"
    assert check["found"] == f"data/orders/*.parquet matches no file in {empty}"
    assert check["next"].startswith("put files there")
    assert found.code == 0


def test_a_home_that_is_not_up_says_how_to_start_it(run, empty: Path) -> None:
    (check,) = (each for each in run("doctor", "--json").json() if each["name"] == "up")
    assert check == {"name": "up", "outcome": "note", "found": "not on this machine", "next": "argosy up"}


@pytest.mark.slow
def test_a_damaged_blob_is_told_by_what_it_holds(run, inside: Path, tmp_path: Path) -> None:
    home = tmp_path / "copy"
    shutil.copytree(inside / ".argosy", home)
    with Store.open(home) as store, store.read() as conn:
        (part,) = datasets.parts(conn, "orders", 1)
        version = resources.get(conn, "versions", "late-order/north@1")
        slot = artifacts.get(conn, [version["artifact"]])[version["artifact"]].slot
        files = {"part of orders@1: blob ": store.blobs.path(part.digest)}
        files["model of late-order/harbour@1, late-order/north@1, late-order/south@1: blob "] = store.blobs.path(
            slot.pack or slot.digest
        )
    for said, path in files.items():
        whole = path.read_bytes()
        path.write_bytes(bytes([whole[0] ^ 1]) + whole[1:])
        found = run("doctor", "--home", home, "--json")
        (check,) = (each for each in found.json() if each["name"] == "blobs")
        assert found.code == 1 and check["outcome"] == "bad" and check["found"].startswith(said)
        assert path.name in check["found"]
        path.write_bytes(whole)
