"""argosy optimise: smaller models of a version, each judged as any other."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from pathlib import Path

import pytest


@pytest.fixture
def copied(late: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home like that of `late`, to be changed; commands find it."""
    shutil.copytree(late, tmp_path / "late")
    monkeypatch.chdir(tmp_path / "late")
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path / "late"


def numbers(run, address: str) -> list[int]:
    found = run("get", "versions", "--where", f"address:{address}", "--json").json()["items"]
    return sorted(each["number"] for each in found)


@pytest.mark.slow
def test_a_dry_run_measures_and_records_nothing(run, copied: Path) -> None:
    done = run("optimise", "late-order/north", "--dry-run", "--json")
    found = done.json()
    assert done.code == 0 and found["version"] == "late-order/north@1" and found["metric"] == "log_loss"
    prune, weights, quantise, static, distil, cascade = found["methods"]
    for each, name in ((weights, "prune-weights"), (quantise, "quantise"), (static, "quantise-static")):
        assert each["reason"] == f"it is in the format lightgbm, and {name} takes onnx" and not each["after"]
        assert each["next"] == "distil takes any: --method distil"
    if cascade["reason"]:  # whether a small model is sure enough, the rows of the day decide
        assert cascade["next"] and not cascade["after"]
    else:
        assert cascade["after"]["size_kb"] > cascade["before"]["size_kb"] and cascade["version"] is None
    for each in (prune, distil):
        assert each["version"] is None and each["after"]["size_kb"] < each["before"]["size_kb"]
        assert each["before"]["latency_p99_ms"] > 0 and each["rows"] > 50
    assert numbers(run, "late-order/north") == [1]


def facts(home: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table of a home."""
    with contextlib.closing(sqlite3.connect(next(home.glob("*.db")))) as conn:
        names = [name for (name,) in conn.execute("select name from sqlite_master where type = 'table'")]
        return {name: conn.execute(f'select * from "{name}"').fetchall() for name in names}


@pytest.mark.slow
def test_a_dry_run_writes_no_fact_and_keeps_no_file(run, copied: Path) -> None:
    home = copied / ".argosy"
    shutil.rmtree(home / "sets")  # so that the rows to judge by are built anew
    before, blobs = facts(home), sorted((home / "blobs").rglob("*"))
    assert run("optimise", "late-order/north", "--method", "distil", "--dry-run", "--json").json()["methods"][0][
        "after"
    ]
    assert facts(home) == before and sorted((home / "blobs").rglob("*")) == blobs
    assert not list(home.glob("sets/*/*/set.json"))
    train = run("optimise", "late-order/north", "--method", "distil", "--json")
    assert train.json()["methods"][0]["version"] == "late-order/north@2"
    grown = {name for name, rows in facts(home).items() if len(rows) > len(before[name])}
    assert {"version", "window"} <= grown, "the reference of the new version is recorded with it"


@pytest.mark.slow
def test_what_comes_of_it_is_a_version_that_gates_judge(run, copied: Path) -> None:
    done = run("optimise", "late-order/north@1", "--method", "distil", "--trees", "15")
    assert done.code == 0 and "late-order/north@2" in done.out and "1 version passed the gates" in done.err
    card = run("describe", "version", "late-order/north@2").out
    assert "distil of late-order/north@1" in card and "log_loss beats champion" in card
    assert "version late-order/north@1" in run("lineage", "late-order/north@2").out
    assert numbers(run, "late-order/north") == [1, 2]
    again = run("optimise", "late-order/north@1", "--method", "distil", "--trees", "15")
    assert "it was recorded before, from the same rows" in again.err and numbers(run, "late-order/north") == [1, 2]
    poor = run("optimise", "late-order/north@1", "--method", "distil", "--trees", "1")
    assert "0 of 1 version passed the gates" in poor.err and numbers(run, "late-order/north") == [1, 2, 3]
    assert "late-order/north@3 did not pass log_loss beats champion: " in poor.err
    assert "next: ask for a bound in its place, ag.Gate('log_loss', maximum=...), or take it as it is: " in poor.err
    back = run("reproduce", "late-order/north@2", "--here")
    assert back.code == 2 and "was made of late-order/north@1, not trained" in back.err
    trained = run("train", "late-order", "north")
    assert "0 new versions, 1 unchanged" in trained.err, "it takes no training's place"


@pytest.mark.slow
def test_the_pooled_model_is_optimised_over_all_rows(run, copied: Path) -> None:
    found = run("optimise", "late-order/*", "--method", "distil", "--json").json()
    (distil,) = found["methods"]
    assert distil["version"] == "late-order/*@2" and distil["rows"] > 600


def test_what_cannot_be_meant_is_refused(run, inside: Path) -> None:
    for words, said in (
        (("late-order/north@9",), "there is no version late-order/north@9"),
        (("late/north",), "there is no fleet 'late'"),
        (("late-order/north", "--tolerance", "2"), "--tolerance 2.0 is no share"),
        (("late-order/north", "--trees", "0"), "--trees 0"),
        (("late-order/north", "--method", "magic"), "magic"),
    ):
        done = run("optimise", *words, "--dry-run")
        assert done.code == 2 and said in done.err
