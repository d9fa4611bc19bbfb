"""argosy reproduce: a run or a version once more, from what is recorded of it."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from argosy.store import Store, calls, datasets, runs
from argosy.store.rows import execute
from argosy.store.tracking import files as kept
from argosy.store.tracking import runs as tracked_runs
from tests.cli.pipes import Pipes
from tests.cli.tracks import HAND, NAMES, Tracks

SAME = "the same as recorded"
DATA = """
import argosy as ag
import polars as pl

shops = ag.Dataset("shops", time="at", source=ag.Parquet("*.parquet"))


@ag.step
def mean(shops: pl.DataFrame) -> float:
    ag.log(rows=shops.height)
    return float(shops["sold"].mean())


@ag.pipeline
def means(shops: ag.Dataset):
    return mean(shops)


@ag.pipeline
def schooled():
    return ag.trained("late")
"""


@pytest.fixture
def copied(late: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home like that of `late`, to be changed; commands find it."""
    shutil.copytree(late / ".argosy", tmp_path / ".argosy")
    monkeypatch.chdir(tmp_path)
    return tmp_path / ".argosy"


def blobs(home: Path) -> dict[Path, tuple[int, int]]:
    found = (path for path in (home / "blobs").rglob("*") if path.is_file())
    return {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in found}


@pytest.mark.slow
def test_a_run_comes_to_the_same_whatever_the_project_is_now(run, pipes: Pipes) -> None:
    assert run("run", "roots").code == 0
    pipes.module.write_text(pipes.module.read_text().replace("return sum(xs)", "return sum(xs) + 1"))
    pipes.done()
    before = blobs(pipes.home)
    found = run("reproduce", 1, "--here")
    assert found.code == 0, found.out
    assert found.out.startswith("run 1 of roots: bundle ")
    assert f"\n{SAME}, in " in found.out and "9 states, 4 metrics, 8 digests agree" in found.out
    assert pipes.done() == [0, 1, 2, 3]  # nothing was taken from what is there
    assert blobs(pipes.home) == before and not pipes.state(2)


@pytest.mark.slow
def test_one_step_is_compared_alone(run, pipes: Pipes) -> None:
    assert run("run", "roots").code == 0
    steps = run("runs", "--experiment", "roots", "--json").json()["items"]
    name = next(each["run"] for each in steps if each["name"] == "root[2]")
    found = run("reproduce", name, "--here", "--json").json()
    assert found["name"] == "root[2] of run 1 of roots"
    assert found["compared"] == {
        "same": {"state": 1, "count": 0, "metric": 1, "artifact": 1}, "differences": [],
    }  # fmt: skip
    whole = next(each["run"] for each in steps if each["name"] == "run 1")
    assert run("reproduce", whole, "--here", "--json").json()["name"] == "run 1 of roots"


@pytest.mark.slow
def test_a_step_that_is_not_deterministic_is_told_as_such(run, pipes: Pipes) -> None:
    pipes.module.write_text(
        pipes.module.read_text()
        .replace("return list(range(n))", "return [time.time_ns() + each for each in range(n)]")
        .replace("return 1\n", "return time.time_ns()\n")
    )
    assert run("run", "roots").code == 0
    found = run("reproduce", 1, "--here")
    assert found.code == 3 and "not the same as recorded" in found.out
    numbers, root, stamp = (
        next(line for line in found.out.splitlines() if line.startswith(f"  {name}"))
        for name in ("numbers output", "root[0] output", "stamp output")
    )
    assert "code, inputs and libraries are the same: it is not deterministic" in numbers
    assert "input x, from numbers, has other content" in root
    assert "cache=False" in stamp


@pytest.mark.slow
def test_what_failed_is_done_again_until_it_fails(run, pipes: Pipes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIPES_BREAK", "2")
    assert run("run", "roots").code == 1
    assert run("reproduce", 1, "--here").code == 0
    monkeypatch.delenv("PIPES_BREAK")
    found = run("reproduce", 1, "--here")
    assert found.code == 3 and "root[2] state: failed -> done: then: exception: ValueError: no root of 2" in found.out


@pytest.mark.slow
def test_a_version_comes_out_as_the_same_bytes(run, inside: Path) -> None:
    before = blobs(inside / ".argosy")
    found = run("reproduce", "late-order/north@1", "--here", "--json")
    assert found.code == 0, found.err
    report = found.json()
    assert report["datasets"] == {"orders": 1} and report["libraries"] == ""
    assert report["compared"]["same"] == {"state": 1, "count": 1, "metric": 3, "artifact": 2}
    assert run("reproduce", "late-order/*@1", "--here").code == 0
    assert blobs(inside / ".argosy") == before


@pytest.mark.slow
def test_other_libraries_than_recorded_are_told(run, copied: Path) -> None:
    with Store.open(copied) as store, store.write() as tx:
        for table, column in (("event", "body"), ("bundle", "libraries")):
            sql = f"""UPDATE {table} SET {column} = replace({column}, '"polars":"', '"polars":"0.')"""
            execute(tx, sql, ())
    found = run("reproduce", "late-order/south@1", "--here")
    assert found.code == 0 and "other libraries than recorded: polars 0." in found.out


def test_a_part_that_is_gone_is_named(run, copied: Path) -> None:
    with Store.open(copied) as store:
        with store.read() as conn:
            (part, *_) = datasets.parts(conn, "orders", 1)
        store.blobs.path(part.digest).unlink()
    found = run("reproduce", "late-order/south@1", "--here")
    assert found.code == 1
    assert "orders@1, which late-order/south@1 read, cannot be read again: 1 of its " in found.err
    assert part.digest in found.err and "next: restore" in found.err


@pytest.mark.slow
def test_the_home_in_which_it_was_done_is_kept(run, pipes: Pipes) -> None:
    assert run("run", "roots").code == 0
    assert "kept in again" in run("reproduce", 1, "--here", "--keep", "again").out
    with Store.open(pipes.place / "again", create=False) as store, store.read() as conn:
        assert runs.get(conn, 1) is not None
    found = run("reproduce", 1, "--here", "--keep", "again")
    assert found.code == 2 and "is there already" in found.err


def test_of_a_run_of_a_client_it_tells_what_to_do_by_hand(run, tracked: Tracks) -> None:
    found = run("reproduce", NAMES[0][:8], "--here")
    assert found.code == 1 and "was logged by a client" in found.err
    assert "  code: train.py\n" in found.out and "  dataset: orders (d0)\n" in found.out
    assert "not recorded\n  a list of the libraries" in found.out
    assert f"by hand\n  git checkout {'0' * 40}\n  python train.py\n" in found.out
    with Store.open(tracked.home) as store, store.write() as tx:
        digest = store.blobs.put(b"lightgbm==4.6.0\n")
        folder = f"{tracked_runs.get(tx, NAMES[0]).experiment_id}/{NAMES[0]}/artifacts"
        kept.put(tx, f"{folder}/model/requirements.txt", digest, 16, HAND)
    told = run("reproduce", NAMES[0][:8], "--json").json()
    assert told["recorded"]["environment"] == "model/requirements.txt" and told["missing"] == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("late-order/north@9",), "there is no version late-order/north@9"),
        (("late-order/north",), "is no name of a run"),
        (("7",), "there is no run 7"),
        (("e1",), "e1 is an execution of kind ingest: orders"),
        (("late-order/north@1", "--tolerance", "-1"), "--tolerance -1.0 is below 0"),
    ],
)
def test_what_cannot_be_reproduced_is_refused(run, inside: Path, given: tuple[str, ...], said: str) -> None:
    found = run("reproduce", *given)
    assert found.code == 2 and said in found.err


@pytest.mark.slow
def test_a_run_reads_the_versions_that_it_read(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sales.py").write_text(DATA)
    for day in (1, 2):
        rows = pl.DataFrame({"at": [datetime(2026, 3, day, hour, tzinfo=UTC) for hour in range(day + 1)]})
        rows.with_columns(sold=pl.int_range(pl.len()) * day).write_parquet(f"{day}.parquet")
        assert run("apply").code == 0 and run("run", "means").code == 0
    for id in (1, 2):
        found = run("reproduce", id, "--here", "--json")
        assert found.code == 0, found.err
        assert found.json()["datasets"] == {"shops": id} and found.json()["compared"]["same"]["metric"] == 1


@pytest.mark.slow
def test_a_step_that_trains_a_fleet_is_not_done_again(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sales.py").write_text(DATA)
    assert run("run", "schooled").code == 1  # there is no such fleet
    report = run("reproduce", 1, "--here", "--keep", "again", "--json").json()
    assert report["compared"]["same"]["state"] == 1
    with Store.open(tmp_path / "again", create=False) as store, store.read() as conn:
        (reason,) = calls.reasons(conn, 1, calls.FAILED)
    assert "the training of fleet late is not done again with its run" in reason


@pytest.mark.slow
def test_the_recorded_environment_is_built_and_what_it_gives_is_told(
    run, inside: Path, uv: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    found = run("reproduce", "late-order/north@1")
    assert found.code == 0, found.err
    assert "building an environment of Python 3." in found.err and SAME in found.out
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(tmp_path))  # it is there: nothing is needed to make it
        again = run("reproduce", "late-order/south@1", "--json", "--tolerance", "1e-9")
    assert again.code == 0 and "building" not in again.err and again.json()["compared"]["differences"] == []


@pytest.mark.slow
@pytest.mark.postgres
def test_a_run_of_a_home_on_postgresql_is_done_again_beside_it(
    run, pipes: Pipes, postgres_home: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARGOSY_HOME", postgres_home)
    monkeypatch.setenv("ARGOSY_BLOBS", str(pipes.place / "blobs"))
    assert run("run", "roots").code == 0
    (id,) = (each["id"] for each in run("runs", "--json").json()["items"])
    found = run("reproduce", id, "--here")
    assert found.code == 0 and SAME in found.out, found.err
    assert len(run("runs", "--json").json()["items"]) == 1
