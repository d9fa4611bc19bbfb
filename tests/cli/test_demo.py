"""The demo on ten days: every figure is there, and a replay that was killed ends where an undisturbed one does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from argosy.errors import UnknownError
from argosy.store import Store, resources

START = "import sys; from argosy.cli import main; sys.exit(main())"
pytestmark = pytest.mark.slow


def command(home: Path, until: str, figures: Path) -> list[str]:
    return [sys.executable, "-c", START, "demo", "--home", str(home), "--until", until, "--no-serve", "--json",
            str(figures)]  # fmt: skip


@pytest.fixture(scope="module")
def ten_days(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], str]:
    place = tmp_path_factory.mktemp("demo")
    done = subprocess.run(
        command(place / "home", "2013-04-10", place / "figures.json"), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return place / "home", msgspec.json.decode((place / "figures.json").read_bytes()), done.stdout + done.stderr


def test_the_figures_of_ten_days(ten_days: tuple[Path, dict[str, Any], str]) -> None:
    _, found, said = ten_days
    assert found["rows_scored"] == 9540
    (month,) = found["months"]
    assert (month["month"], month["rows"]) == ("2013-04", 9540)
    for name in ("auc_managed", "auc_frozen", "auc_pooled"):
        assert 0.65 < month[name] < 0.75  # above: it would have seen the future
    for name in ("logloss_managed", "logloss_frozen"):
        assert 0.3 < month[name] < 0.5
    assert 30 <= found["members"] <= 36
    assert found["versions"] >= 20 and found["promotions"] >= 1
    assert found["cpu_s"] > 5 and found["wall_s"] > 1
    assert "Traceback" not in said and "failed:" not in said
    assert any("wind_speed" in line for line in found["trials"])
    *_, up, members, alerts, why, lineage = said.rstrip().splitlines()
    assert [line.split()[1:] for line in (up, members, alerts)] == [["up"], ["get", "members"], ["get", "alerts"]]
    address = why.removeprefix("  ").split(" why ")[1]
    assert address.startswith("late-arrival/") and lineage.split(" lineage ")[1].startswith(f"{address}@")


def test_every_row_was_recorded_once(ten_days: tuple[Path, dict[str, Any], str]) -> None:
    home, _, _ = ten_days
    assert _keys(home) == (9540, 9540)


def test_going_on_when_all_is_done_changes_nothing(ten_days: tuple[Path, dict[str, Any], str], tmp_path: Path) -> None:
    home, before, _ = ten_days
    subprocess.run(command(home, "2013-04-10", tmp_path / "again.json"), capture_output=True, check=True)
    again = msgspec.json.decode((tmp_path / "again.json").read_bytes())
    for name in ("members", "rows_scored", "versions", "promotions", "rollbacks", "alerts", "months"):
        assert again[name] == before[name]


@pytest.mark.fault
def test_a_killed_replay_ends_where_an_undisturbed_one_does(
    ten_days: tuple[Path, dict[str, Any], str], tmp_path: Path
) -> None:
    """Killed twice in the middle of days, then let go to the end."""
    whole, undisturbed, _ = ten_days
    home = tmp_path / "home"
    for day in ("2013-04-02", "2013-04-06"):
        process = subprocess.Popen(
            command(home, "2013-04-10", tmp_path / "none.json"), stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        assert _wait(lambda day=day: _replayed(home) >= day), day
        assert process.poll() is None
        time.sleep(0.15)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    subprocess.run(command(home, "2013-04-10", tmp_path / "figures.json"), capture_output=True, check=True)
    found = msgspec.json.decode((tmp_path / "figures.json").read_bytes())
    assert _keys(home) == (9540, 9540)
    assert _scores(home) == _scores(whole)
    slow = _slow(home) | _slow(whole)  # a gate on latency says of a busy machine what it finds there
    if not slow:
        for name in ("members", "rows_scored", "versions", "promotions", "rollbacks", "alerts", "months"):
            assert found[name] == undisturbed[name], name
    assert {k: v for k, v in _champions(home).items() if k not in slow} == {
        k: v for k, v in _champions(whole).items() if k not in slow
    }


def test_a_directory_with_something_else_is_left_alone(run, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    shown = run("demo", "--home", tmp_path, "--fresh", "--no-serve")
    assert shown.code == 1 and "holds something that is no demo" in shown.err
    assert (tmp_path / "mine.txt").read_text() == "mine"


@pytest.mark.parametrize("until", ["2013-03-31", "2014-01-01", "soon"])
def test_days_that_are_not_in_it(run, tmp_path: Path, until: str) -> None:
    assert run("demo", "--until", until, "--home", tmp_path / "demo", "--no-serve").code == 2


def _replayed(home: Path) -> str:
    """The last day that was replayed, as the facts say."""
    if not (home / "argosy.db").exists():
        return ""
    try:
        with Store.open(home, create=False) as store, store.read() as conn:
            items = resources.page(conn, "events", "kind:replayed", limit=1).items
    except UnknownError:  # its tables are not made yet
        return ""
    return items[0]["message"][:10] if items else ""


def _keys(home: Path) -> tuple[int, int]:
    """Recorded rows, and how many of them differ."""
    from argosy.data.read import scan

    with Store.open(home, create=False) as store, store.read() as conn:
        keys = scan(conn, store, "late-arrival.predictions").select("row_key", "at").collect()
    return keys.height, keys.n_unique()


def _items(home: Path, kind: str, where: str = "") -> list[dict[str, Any]]:
    with Store.open(home, create=False) as store, store.read() as conn:
        return list(resources.every(conn, kind, where))


def _scores(home: Path) -> dict[tuple[str, int], float]:
    """The log-loss of every version."""
    return {(item["address"], item["number"]): item["metrics"]["log_loss"] for item in _items(home, "versions")}


def _champions(home: Path) -> dict[str, tuple[str | None, int | None]]:
    return {item["key"]: (item["target"], item["champion_number"]) for item in _items(home, "members")}


def _slow(home: Path) -> set[str]:
    """Members of which a version was refused for its latency."""
    return {i["key"] for i in _items(home, "verdicts", "passed:false") if i["gate"].startswith("latency")}


def _wait(condition: Any, seconds: float = 900.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False
