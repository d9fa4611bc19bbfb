"""Bytes that changed on disk: found by their content address, told, and never used."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from argosy.controller import survey
from argosy.controller.action import Train, Watch
from argosy.controller.apply import apply
from argosy.controller.house import House
from argosy.controller.loop import tick
from argosy.registry.rollout import promote
from argosy.store import artifacts, datasets, events, versions
from tests.controller.conftest import START
from tests.controller.test_loop import FLEET, declare
from tests.faults.plant import Plant

pytestmark = [pytest.mark.fault, pytest.mark.slow]


def flip(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


def answer(plant: Plant, carriers: list[str]) -> tuple[int, Any]:
    columns: dict[str, tuple[str, object]] = {
        "flight_id": ("BYTES", "F1"), "scheduled_departure": ("BYTES", "2013-02-15T12:00:00Z"),
        "origin": ("BYTES", "LGA"),
        "tailnum": ("BYTES", "N1"), "distance": ("INT64", 700), "scheduled_minutes": ("INT64", 150),
    }  # fmt: skip
    shape = [len(carriers)]
    inputs = [{"name": n, "shape": shape, "datatype": t, "data": [v] * shape[0]} for n, (t, v) in columns.items()]
    inputs.append({"name": "carrier", "shape": shape, "datatype": "BYTES", "data": carriers})
    return plant.ask(f"/v2/models/{FLEET}/infer", {"parameters": {"at": "event"}, "inputs": inputs})


def test_the_pooled_model_answers_for_a_damaged_champion_and_others_answer_on(house: House, tmp_path: Path) -> None:
    store = house.store
    with store.read() as conn:
        own = versions.find(conn, FLEET, "LGA/AA")
        assert own is not None
        slot = artifacts.get(conn, [own.artifact])[own.artifact].slot
    with store.write() as tx:
        promote(tx, FLEET, [own], START, "tester", "by hand")
    with Plant(tmp_path, date(2013, 2, 15)) as plant:
        plant.ready()
        status, before = answer(plant, ["AA", "MQ"])
        assert status == 200 and before["outputs"][1]["data"][0] == f"{FLEET}/LGA/AA@1"

    flip(store.blobs.path(slot.pack or slot.digest), slot.start + slot.bytes // 2)
    with Plant(tmp_path, date(2013, 2, 15)) as plant:
        plant.ready()
        for carriers in (["AA"], ["AA", "MQ"]):
            status, said = answer(plant, carriers)
            assert status == 200 and said["outputs"][1]["data"][0] == f"{FLEET}/*@1"
            assert said["outputs"][2]["data"][0] == "fallback"
        status, others = answer(plant, ["MQ", "YV", "MQ"])
        assert status == 200
        assert others["outputs"][0]["data"][0] == before["outputs"][0]["data"][1]
        status, metrics = plant.ask("/metrics", None)
        assert f'argosy_version_failures_total{{version="{FLEET}/LGA/AA@1"}} 2' in metrics


def test_training_on_a_damaged_part_fails_with_its_reason_and_the_champion_stays(house: House, project: Path) -> None:
    before = survey.observe(house, START).fleets[FLEET].table
    with house.store.read() as conn:
        (part, *_) = datasets.parts(conn, "flights", 1)
    flip(house.store.blobs.path(part.digest), part.bytes // 2)
    declare(project, r"num_leaves=7", "num_leaves=5")
    apply(house.store, project / "flights.py", START, "tester")
    failed = [each for each in tick(house, START) if each.failed]
    assert {type(each.action) for each in failed} == {Watch, Train}
    assert all(part.digest in each.said and "does not match its content address" in each.said for each in failed)
    after = survey.observe(house, START).fleets[FLEET].table
    with house.store.read() as conn:
        told = [event for event in events.since(conn, limit=10_000) if event.kind == "failed"]
    columns = ["key", "version_id", "champion_id", "target"]
    assert after.select(columns).equals(before.select(columns))
    assert [event.subject for event in told] == [f"watch:{FLEET}", f"fleet:{FLEET}"]
    assert all(part.digest in event.message for event in told)
