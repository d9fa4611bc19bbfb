"""Versions of datasets of the seeded home, with their statistics and findings."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection

from argosy.store import contracts, datasets, events, findings, statistics
from tests.console.declared import START, digest, flights, weather

ORIGINS = ("EWR", "JFK", "LGA")
ASKED = {"carrier": "String", "late": "Boolean", "arrived_at": "Datetime(time_unit='us', time_zone='UTC')"}
"""Columns that the fleet asks of flights beside those with statistics."""


def ingest(tx: Connection, dice: random.Random, index: int) -> None:
    """A version of each dataset with its statistics and findings."""
    at = START + timedelta(days=20 * index)
    for name, size in (("flights", 18_000), ("weather", 1_400)):
        rows = size + dice.randrange(size // 5)
        part = datasets.NewPart(
            digest=digest(f"{name}{index}"), rows=rows, bytes=rows * 30, low=at, high=at + timedelta(days=20)
        )
        columns = {"flight_id": "String", "origin": "String", "distance": "Int64", "tailnum": "String"}
        if name == "weather":
            columns = {"origin": "String", "temp": "Float64", "wind_speed": "Float64", "precip": "Float64"}
        made = datasets.commit(
            tx,
            datasets.NewVersion(
                dataset=name,
                at=at,
                parts=[part],
                columns=columns | (ASKED if name == "flights" else {}),
                sources=[f"{index}.parquet"],
                cause="1 new file",
            ),
        )
        body = {column: _statistics(column, dtype, made.rows, dice) for column, dtype in columns.items()}
        statistics.add(tx, statistics.NewStatistic(dataset=name, number=made.number, body=body))
        if index == 0:
            wanted = {"flights": flights, "weather": weather}[name].contract
            contracts.add(
                tx,
                contracts.NewContract(
                    dataset=name, body={"contract": msgspec.to_builtins(wanted)}, at=at, actor="controller"
                ),
            )
        events.add(
            tx,
            [events.NewEvent(at=at, kind="ingested", subject=f"dataset:{name}", actor="controller",
                             message=f"version {made.number}: {rows:,} rows")],
        )  # fmt: skip
    if index == 2:
        findings.add(
            tx,
            [findings.NewFinding(dataset="weather", version=3, rule="range", column="wind_speed", severity="quarantine",
                                 outcome="quarantined", rows=1, at=at, examples=[{"wind_speed": 1048.36}],
                                 message="wind_speed: 1 value above 150 (1048.36) was set aside")],
        )  # fmt: skip


def _statistics(name: str, dtype: str, rows: int, dice: random.Random) -> dict[str, Any]:
    base: dict[str, Any] = {
        "type": dtype,
        "count": rows,
        "nulls": rows // 50 if name == "tailnum" else 0,
        "distinct": 40,
    }
    if dtype in ("Float64", "Int64"):
        edges = [float(i) for i in range(19)]
        counts = [int(rows * dice.random() * (1 - abs(i - 9) / 11)) for i in range(20)]
        base |= {"minimum": 0.2, "maximum": 18.9, "mean": 9.2, "edges": edges, "histogram": counts}
    else:
        base |= {"counts": {origin: rows // (3 + i) for i, origin in enumerate(ORIGINS)}}
    return {**base, "total": base}
