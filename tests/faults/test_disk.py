"""No room on disk in the middle of a tick: nothing is half written, and with room the next tick does it all."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import polars as pl
import pytest

from argosy.controller import survey
from argosy.controller.house import House
from argosy.controller.loop import tick
from argosy.store import datasets, events
from argosy.store.store import Store
from tests.controller.conftest import START
from tests.controller.test_loop import FLEET
from tests.faults import facts

pytestmark = [pytest.mark.fault, pytest.mark.slow]

# A process that may write no file above a size stands for a full disk: both end a write with an error of the system.
CRAMPED = """
import resource, sys
from datetime import datetime
from argosy.controller.house import House
from argosy.controller.loop import tick
from argosy.errors import ArgosyError
from argosy.store.store import Store

with Store.open(sys.argv[1], create=False) as store, House(store, workers=1) as house:
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]),) * 2)
    try:
        for done in tick(house, datetime.fromisoformat(sys.argv[2])):
            if done.failed:
                print(done.said)
    except ArgosyError as error:
        print(error)
"""


def cramped(home: str, limit: int) -> str:
    command = [sys.executable, "-c", CRAMPED, home, START.isoformat(), str(limit)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def sound(store: Store) -> None:
    """Every blob matches its address, and nothing else lies there."""
    for file in store.blobs.root.rglob("*"):
        if file.is_file():
            store.blobs.check(file.name)


@pytest.mark.parametrize("limit", [200_000, 600_000, 1_200_000])
def test_a_tick_without_room_leaves_nothing_behind_and_the_next_one_completes(
    fresh: House, trained: Path, limit: int
) -> None:
    said = cramped(fresh.store.home, limit)
    assert said
    sound(fresh.store)
    assert not [each.said for each in tick(fresh, START) if each.failed]
    sound(fresh.store)
    assert facts.doubles(Path(fresh.store.home)) == []
    mine, theirs = facts.gather(Path(fresh.store.home)), facts.gather(trained)
    assert mine["standing"] and [row["key"] for row in mine["versions"]] == [row["key"] for row in theirs["versions"]]


def test_a_dataset_that_finds_no_room_is_not_ingested_and_says_so_while_others_are(fresh: House, project: Path) -> None:
    flights = project / "data" / "flights" / "2013-02.parquet"
    rows = pl.read_parquet(flights)
    many = pl.concat([rows] * 80).with_columns(
        flight_id=pl.int_range(pl.len()).hash(7).cast(pl.String) + pl.int_range(pl.len()).hash(8).cast(pl.String)
    )
    many.write_parquet(project / "data" / "flights" / "many.parquet")
    said = cramped(fresh.store.home, 2_000_000)
    assert "no room to write blob" in said and "nothing was written" in said
    with fresh.store.read() as conn:
        known = datasets.latest(conn)
        told = [event for event in events.since(conn, limit=10_000) if event.kind == "failed"]
    assert "flights" not in known and {"weather", "departures", "planes"} <= set(known)
    assert Counter(event.subject for event in told)["dataset:flights"] == 1
    sound(fresh.store)
    assert not [each.said for each in tick(fresh, START) if each.failed]
    assert survey.observe(fresh, START).fleets[FLEET].table["champion_id"].is_not_null().any()
