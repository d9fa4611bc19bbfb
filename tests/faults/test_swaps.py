"""New versions every 50 ms under load, two workers: no request fails, and each worker follows."""

from __future__ import annotations

import threading
import time
from bisect import bisect_right
from pathlib import Path

import polars as pl
import pytest

from argosy.store import aliases, members, versions
from tests.faults.test_workers import Client, asked, eventually, segments
from tests.serving.conftest import FLEET, NOW, Fixture, fleet
from tests.serving.test_server import Running

__all__ = ["fleet"]

KEY, CLIENTS, SWAPS, EVERY = "JFK/AA", 40, 30, 0.05
LATE = 15.0
"""By how many seconds a busy machine may follow a fact at the latest; the server looks for new ones every 50 ms."""


def answered(server: Running) -> pl.DataFrame:
    """Rows that were answered, with the worker that did: `row_key`, `version` by its number, `at` and `worker`."""
    paths = sorted(Path(server.home, "predictions").rglob("*.arrow"))
    frames = [pl.read_ipc(path).with_columns(worker=pl.lit(path.stem.split("-")[2])) for path in paths]
    number = pl.col("version").str.split("@").list.last().cast(pl.Int64).alias("version")
    at = pl.col("at").dt.epoch("us") / 1e6
    return pl.concat(frames, how="diagonal").select("row_key", number, at, "worker", "prediction")


@pytest.mark.fault
@pytest.mark.slow
def test_versions_that_come_every_50_ms_reach_each_worker_and_cost_no_request(fleet: Fixture) -> None:
    numbers = [int(fleet.add_version(KEY, 100 + n, champion=False).rpartition("@")[2]) for n in range(SWAPS)]
    with fleet.store.read() as conn:
        [member] = members.ids(conn, FLEET.name, [KEY]).values()
        made = [versions.find(conn, FLEET.name, KEY, number) for number in numbers]
    server, stop = Running(fleet.store.home, workers=2), threading.Event()
    clients: list[Client] = []
    since: list[float] = []
    try:
        while len({each.worker for each in segments(server)}) < 2:  # a connection stays with whom it came to
            assert len(clients) < CLIENTS
            clients.append(Client(f"c{len(clients)}", server.port, stop))
            clients[-1].start()
            eventually(lambda: clients[-1].name in asked(list(segments(server))))
        for version in made:
            assert version is not None
            who = {"fleet": FLEET.name, "member_id": member, "alias": "champion", "at": NOW, "actor": "test"}
            with fleet.store.write() as tx:
                aliases.move(tx, [aliases.Move(target="own", version_id=version.id, **who)])
            since.append(time.time())
            time.sleep(EVERY)
        last = time.time()
        eventually(lambda: all(max(client.acknowledged.values(), default=0.0) > last + 1 for client in clients))
        eventually(lambda: len(followed(server, numbers[-1])) == 2)
        stop.set()
        for client in clients:
            client.join()
        assert server.stop() == 0
    finally:
        stop.set()
        server.stop()
        server.client.close()
    assert [client.refused for client in clients] == [client.broken for client in clients] == [[]] * len(clients)
    assert asked(list(segments(server))) == {client.name for client in clients}
    rows = answered(server)
    assert rows["prediction"].null_count() == 0
    assert set(rows["row_key"]) >= {row for client in clients for row in client.acknowledged}
    for version, at in rows.filter(pl.col("version").is_in(numbers)).select("version", "at").iter_rows():
        assert at >= since[numbers.index(version)] - 1.0  # the clock of the fact is read after it
        due = bisect_right(since, at - LATE)
        assert version >= numbers[due - 1] if due else True
    for _, mine in rows.sort("at").group_by("worker"):
        assert mine["version"].max() == numbers[-1] and len(set(mine["version"])) > 2


def followed(server: Running, number: int) -> set[str]:
    """The workers that answered by a version, the latest there is."""
    return set(answered(server).filter(pl.col("version") == number)["worker"])
