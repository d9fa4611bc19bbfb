"""What doctor says of a home that is sound and lacks something."""

from __future__ import annotations

from pathlib import Path

import pytest


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
