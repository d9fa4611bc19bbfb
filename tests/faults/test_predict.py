"""A scoring that is killed again and again comes to what it would have come to: each row once, and no chunk twice."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from argosy.cli import main
from argosy.controller.scoring.landing import PREDICT
from argosy.data.read import scan
from argosy.store import Store, datasets, executions

FILES, KILLS = 24, (1, 5, 12, 24)
"""How many chunks there are, and after how many of them the command is killed."""
PATIENCE = 120.0


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained project, and files with rows to score."""
    place = tmp_path_factory.mktemp("scored")
    with contextlib.chdir(place):
        for command in (["init", "--sample"], ["apply"], ["train", "late-order"]):
            assert main(command) == 0
    rows = pl.read_parquet(place / "data/orders/sample.parquet").drop("late")
    for i in range(FILES):
        named = rows.with_columns(order_id=pl.format(f"{i}-{{}}", "order_id"))
        pl.concat([named.with_columns(copy=pl.lit(copy)) for copy in range(5)]).write_parquet(place / f"{i:02}.parquet")
    return place


def command(project: Path, to: str) -> list[str]:
    files = [f"{i:02}.parquet" for i in range(FILES)]
    code = "import sys; from argosy.cli import main; sys.exit(main(sys.argv[1:]))"
    return [sys.executable, "-c", code, "predict", "late-order", "--file", *files, "--to", to]


def killed_after(project: Path, shelf: Path, chunks: int) -> bool:
    """Start the command and kill it once there are so many chunks; whether it was killed before its end."""
    with subprocess.Popen(command(project, "dataset:scores"), cwd=project) as process:
        end = time.monotonic() + PATIENCE
        while process.poll() is None and len(list(shelf.glob("*.parquet"))) < chunks:
            assert time.monotonic() < end
            time.sleep(0.002)
        process.kill()
        return process.wait() < 0


@pytest.mark.slow
@pytest.mark.fault
def test_a_scoring_that_is_killed_goes_on_and_adds_each_row_once(project: Path) -> None:
    shelf = project / ".argosy" / "scoring" / "scores"
    kept: dict[Path, int] = {}
    for chunks in KILLS:
        assert killed_after(project, shelf, chunks) or chunks == FILES
        found = {path: path.stat().st_mtime_ns for path in shelf.glob("*.parquet")}
        assert kept.items() <= found.items()  # what is finished is not done again
        kept = found or kept
    subprocess.run(command(project, "dataset:scores"), cwd=project, check=True)
    with contextlib.chdir(project):
        assert main([*command(project, "whole.parquet")[3:]]) == 0
    expected = pl.read_parquet(project / "whole.parquet")
    with Store.open(project / ".argosy") as store, store.read() as conn:
        versions = datasets.version(conn, "scores")
        rows = scan(conn, store, "scores").drop("at").collect()
        runs = [each for each in executions.of_subject(conn, "late-order") if each.kind == PREDICT]
    assert versions is not None and versions.number == 1 and len(runs) == 1
    by = ["order_id", "copy"]
    assert rows.select(expected.columns).sort(by).equals(expected.sort(by))
    assert rows.n_unique(by) == expected.height and not list(shelf.glob("*.parquet"))


@pytest.mark.slow
@pytest.mark.fault
def test_a_file_is_there_whole_or_not_at_all(project: Path) -> None:
    with subprocess.Popen(command(project, "scored.parquet"), cwd=project, stderr=subprocess.PIPE) as process:
        end = time.monotonic() + PATIENCE
        while len(list(project.glob(".argosy-*/*.parquet"))) < 3:
            assert process.poll() is None and time.monotonic() < end
            time.sleep(0.002)
        process.send_signal(2)
        assert process.stderr is not None
        said = process.stderr.read().decode()
        assert process.wait() == 130 and "interrupted" in said
    assert not (project / "scored.parquet").exists() and not list(project.glob(".argosy-*"))
