"""train, predict, promote, rollback, approve."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
import pytest

pytestmark = pytest.mark.slow


@pytest.fixture
def own(late: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the trained project whose facts may change."""
    place = tmp_path / "late"
    shutil.copytree(late, place)
    monkeypatch.chdir(place)
    return place


def test_training_again_changes_nothing(run, own: Path) -> None:
    done = run("train", "late-order", "north", "--json")
    assert done.code == 0
    assert "0 new version(s), 1 unchanged" in " ".join(done.json()["done"])
    assert run("train", "late-order", "west").code == 2
    assert run("train", "nothing").code == 2


def test_promote_and_roll_back(run, own: Path) -> None:
    done = run("promote", "late-order/north@1", "--reason", "seen", "--json")
    was_own = done.code == 1  # it had won against the pooled model already
    if not was_own:
        assert done.json()["done"] == "late-order/north@1 answers now: seen" or "answers now" in done.json()["done"]
        (move,) = run("get", "aliases", "--where", "key:north", "--limit", 1, "--json").json()["items"][:1]
        assert (move["target"], move["reason"]) == ("own", "seen")
        assert run("rollback", "late-order/north").code == 0
        assert run("get", "events", "--limit", 1, "--json").json()["items"][0]["kind"] == "rolled_back"
    assert run("promote", "late-order/west").code == 2
    assert run("promote", "late-order/north@99").code == 2


def test_nobody_waits_for_an_approval(run, own: Path) -> None:
    shown = run("approve", "late-order/north")
    assert shown.code == 1 and "no gate of late-order/north waits" in shown.err


@pytest.mark.parametrize("kind", ["parquet", "csv", "json"])
def test_predictions_do_not_depend_on_the_file(run, inside: Path, tmp_path: Path, kind: str) -> None:
    rows = pl.read_parquet("data/orders/sample.parquet").head(200)
    getattr(rows, f"write_{kind}")(tmp_path / f"rows.{kind}")
    done = run("predict", "late-order", "--file", tmp_path / f"rows.{kind}", "--to", tmp_path / "out.parquet")
    assert done.code == 0, done.err
    scored = pl.read_parquet(tmp_path / "out.parquet")
    run("predict", "late-order", "--file", "rows.csv", "--to", tmp_path / "again.parquet")
    assert scored["prediction"].to_list() == pytest.approx(
        pl.read_parquet(tmp_path / "again.parquet")["prediction"].to_list(), abs=1e-12
    )
    assert scored.height == 200 and scored["prediction"].is_between(0, 1).all()
    assert set(scored["version"].str.split("/").list.first()) == {"late-order"}


def test_predictions_for_people_and_programs(run, inside: Path) -> None:
    shown = run("predict", "late-order", "--file", "rows.csv")
    assert "prediction" in shown.out and "the first 100 of 200 rows" in shown.err
    assert len(run("predict", "late-order", "--file", "rows.csv", "--json").json()) == 200


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda rows: rows.drop("kilometres"), "lacks kilometres"),
        (lambda rows: rows.with_columns(parcels=pl.lit("many")), "'many'"),
        (lambda rows: rows.with_columns(depot=pl.lit(None, pl.String)), "no depot"),
        (lambda rows: rows.head(0), "no rows"),
    ],
)
def test_a_wrong_file_is_one_clear_message(run, inside: Path, tmp_path: Path, make, says: str) -> None:
    make(pl.read_parquet("data/orders/sample.parquet").head(5)).write_parquet(tmp_path / "bad.parquet")
    shown = run("predict", "late-order", "--file", tmp_path / "bad.parquet", "--to", tmp_path / "out.csv")
    assert shown.code == 1 and says in shown.err and "Traceback" not in shown.err
    assert not (tmp_path / "out.csv").exists()


def test_files_that_are_none(run, inside: Path, tmp_path: Path) -> None:
    (tmp_path / "torn.parquet").write_bytes(b"PAR1 torn")
    for name, code in (("none.csv", 1), ("torn.parquet", 1), ("rows.xlsx", 2)):
        assert run("predict", "late-order", "--file", tmp_path / name).code == code
    assert run("predict", "late-order", "--file", "rows.csv", "--at", "noon").code == 2
    assert run("predict", "late-order", "--file", "rows.csv", "--to", tmp_path / "out.xlsx").code == 2
    assert run("predict", "nothing", "--file", "rows.csv").code == 2
