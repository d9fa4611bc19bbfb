"""A seeded home with half a year of a fleet in it, written through the store's own functions, for tests of pages."""

from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path

import msgspec
import polars as pl

from argosy.controller import signal
from argosy.store import Store, members, signals
from tests.console.declared import START, declare, fleet, flights, weather
from tests.console.taken import ORIGINS, ingest
from tests.console.trained import finish, train
from tests.console.watched import NOW, reading, trouble, watch

__all__ = ["NOW", "START", "fleet", "home", "large", "statuses"]

CARRIERS = ("9E", "AA", "B6", "DL", "EV", "FL", "MQ", "UA", "US", "VX", "WN", "YV")


def home(root: Path) -> Store:
    """A store under `root` with the fleet `late-arrival` of 35 members and the pooled model, as of `NOW`."""
    store = Store.open(root)
    made, dice = fleet(), random.Random(7)
    keys = [f"{origin}/{carrier}" for origin in ORIGINS for carrier in CARRIERS][:35]
    with store.write() as tx:
        declare(tx, [flights, weather, made])
        for index in range(9):
            ingest(tx, dice, index)
        ids = members.ensure(tx, made.name, ["*", *keys], START)
    life = {key: _fate(index) for index, key in enumerate(keys)}
    for month in range(6):
        at = START + timedelta(days=30 * month, hours=3)
        chosen = ["*", *(key for key in keys if life[key] not in ("new", "failed") and dice.random() < 0.8)]
        with store.write() as tx:
            train(store, tx, made, {key: ids[key] for key in chosen}, at, dice, life)
        with store.write() as tx:
            finish(tx, made, at + timedelta(days=2), ids, life, dice, last=month == 5)
    with store.write() as tx:
        watch(tx, made, ids, life, dice)
        trouble(tx, made, ids, life)
    return store


def _fate(index: int) -> str:
    fates = {3: "failed", 7: "degraded", 9: "drifting", 14: "drifting", 17: "canary", 20: "new", 21: "new",
             25: "waiting", 28: "rolled back"}  # fmt: skip
    return fates.get(index, "pooled" if index % 5 == 1 else "serving")


def large(root: Path, count: int) -> Store:
    """A store with a fleet `stores` of `count` members, each with a version, a champion and scores."""
    store, dice = Store.open(root), random.Random(3)
    made = msgspec.structs.replace(fleet("stores", approval=False))
    keys = [f"S{index:05d}/K{index % 12:02d}" for index in range(count)]
    with store.write() as tx:
        declare(tx, [flights, weather, made])
        ids = members.ensure(tx, made.name, keys, START)
        train(
            store,
            tx,
            made,
            ids,
            NOW - timedelta(days=20),
            dice,
            {key: "pooled" if n % 7 == 0 else "" for n, key in enumerate(keys)},
        )
        values = [
            reading(made, id, name, value, NOW - timedelta(days=day))
            for id in ids.values()
            for day in (3, 2, 1)
            for name, value in (
                (signal.SCORE, 0.4 + dice.random() / 10),
                (signal.DRIFT, dice.random() * 1.1),
                (signal.SERVED, 40.0),
            )
        ]
        signals.record(tx, values)
    return store


def statuses(frame: pl.DataFrame) -> dict[str, int]:
    """How many rows have each status."""
    return dict(frame.group_by("status").len().iter_rows())
