"""What is told of a run at its end."""

from __future__ import annotations

from pathlib import Path

import pytest

from argosy.store import Store
from tests.cli.conftest import Run

TEXT = """
import argosy as ag
import polars as pl


@ag.step
def rows() -> ag.Table:
    return pl.DataFrame({"x": range(20_000)})


@ag.step
def total(rows: ag.Table, add: int) -> int:
    return rows["x"].sum() + add


@ag.pipeline
def go(add: int = 0):
    return total(rows(), add)
"""


def test_a_run_that_met_a_damaged_result_says_to_run_it_again(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "damage.py").write_text(TEXT)
    monkeypatch.chdir(tmp_path)
    assert run("run", "go").code == 0
    with Store.open(tmp_path / ".argosy") as store:
        (large,) = (path for path in store.blobs.root.rglob("*") if path.is_file() and path.stat().st_size > 100_000)
    large.write_bytes(bytes(100_000))
    failed = run("run", "go", "--set", "add=1")
    assert failed.code == 1
    assert "next: run it again: argosy retry 2; what is damaged will be made anew" in failed.err
    assert "run it again: it will be made anew" in run("logs", "2", "--failed").out
    assert run("retry", "2").code == 0
