"""Rollouts from the request to their end: those that fail lose no request, and those that hold go on."""

from __future__ import annotations

import time
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from lightgbm import LGBMClassifier

import argosy as ag
from argosy.controller import signal, survey
from argosy.controller.house import House
from argosy.controller.loop import tick
from argosy.controller.why import why
from argosy.registry.rollout import Chosen, promote, start
from argosy.spec.rollout import Rollout
from argosy.store import artifacts, declarations, events, executions, members, rollouts, signals, versions
from tests.controller.conftest import START
from tests.controller.test_loop import FLEET
from tests.faults.plant import Plant

pytestmark = [pytest.mark.fault, pytest.mark.slow]

MEMBER = f"{FLEET}/LGA/AA"
NOW = START + timedelta(hours=13)
CANARY = ag.Canary(share=0.5)


def narrow() -> bytes:
    """A sound model of two features, where the fleet's have more."""
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(200, 2))
    made = LGBMClassifier(n_estimators=2, verbose=-1, n_jobs=1).fit(rows, rows[:, 0] > 0)
    text: str = made.booster_.model_to_string()
    return text.encode()


def on_canary(
    house: House, data: bytes, rollout: Rollout = CANARY, format: str = "lightgbm"
) -> tuple[versions.Version, Path]:
    """LGA/AA's champion, and beside it on a canary a version of these bytes that passed its gates; where they lie."""
    store = house.store
    with store.read() as conn:
        own = versions.find(conn, FLEET, "LGA/AA")
        assert own is not None
    [slot] = store.blobs.pack([data])
    with store.write() as tx:
        promote(tx, FLEET, [own], START - timedelta(days=1), "tester", "by hand")
        artifacts.add(tx, artifacts.of_slots([slot], "model", START))
        run = executions.NewExecution(
            key="canary", kind="train", subject="LGA/AA", started_at=START, ended_at=START, member_id=own.member_id
        )
        [execution] = executions.record(tx, [run])
        new = versions.NewVersion(
            fleet=FLEET, member_id=own.member_id, key="canary", artifact=slot.digest, format=format,
            execution_id=execution, at=START, rows=own.rows, signature=own.signature,
        )  # fmt: skip
        [canary] = versions.add(tx, [new])
        start(tx, FLEET, rollout, [Chosen(canary, True, "it passed its gates")], START, "tester")
        judged = signals.NewSignal(
            fleet=FLEET, member_id=own.member_id, name=signal.JUDGED, value=float(canary.id), at=START
        )
        signals.record(tx, [judged])
    return canary, store.blobs.path(slot.pack or slot.digest)


def ask(plant: Plant, flights: list[str]) -> Counter[tuple[str, str]]:
    """Ask about flights of LGA/AA, one row in each request; how many rows each version answered, and by which route."""
    same: dict[str, tuple[str, object]] = {
        "scheduled_departure": ("BYTES", "2013-02-15T12:00:00Z"), "origin": ("BYTES", "LGA"),
        "carrier": ("BYTES", "AA"), "tailnum": ("BYTES", "N1"), "distance": ("INT64", 700),
        "scheduled_minutes": ("INT64", 150),
    }  # fmt: skip
    found: Counter[tuple[str, str]] = Counter()
    for flight in flights:
        columns = same | {"flight_id": ("BYTES", flight)}
        inputs = [{"name": name, "shape": [1], "datatype": type, "data": [v]} for name, (type, v) in columns.items()]
        body = {"parameters": {"at": "event"}, "inputs": inputs}
        status, got = plant.ask(f"/v2/models/{FLEET}/infer", body)
        assert status == 200, got
        outputs: dict[str, Any] = {each["name"]: each["data"][0] for each in got["outputs"]}
        assert 0 < outputs["prediction"] < 1
        found[outputs["version"], outputs["route"]] += 1
    return found


@pytest.mark.parametrize("fault", ["its bytes change on disk", "it raises on every row"])
def test_a_failing_canary_is_rolled_back_and_no_request_is_lost(house: House, tmp_path: Path, fault: str) -> None:
    canary, blob = on_canary(house, narrow())
    if fault == "its bytes change on disk":
        data = blob.read_bytes()
        blob.write_bytes(data[:-9] + b"x" + data[-8:])
    address = f"{MEMBER}@{canary.number}"
    with Plant(tmp_path, date(2013, 2, 15)) as plant:
        plant.ready()
        assert ask(plant, [f"F{i}" for i in range(40)]) == {(f"{MEMBER}@1", "own"): 40}
        status, metrics = plant.ask("/metrics", None)
        assert status == 200 and f'argosy_version_failures_total{{version="{address}"}}' in metrics
        assert plant.ask("/argosy/flush", {})[0] == 200

        assert not [each.said for each in tick(house, NOW) if each.failed]
        assert ask(plant, [f"G{i}" for i in range(40)]) == {(f"{MEMBER}@1", "own"): 40}
        assert plant.ask("/argosy/flush", {})[0] == 200

    with house.store.read() as conn:
        last, *_ = rollouts.history(conn, canary.member_id)
        state = members.states(conn, [canary.member_id])[canary.member_id]
        [told] = [each for each in events.of_subject(conn, MEMBER) if each.kind == "rolled_back"]
        reason = why(conn, survey.observe(house, NOW), MEMBER, NOW)
    failed = last.evidence["canary_failed"]
    assert last.state == "rolled_back" and last.version_id == canary.id
    assert last.reason.startswith(f"after 13h: {failed} of {failed} rows failed, of the champion's 0 of 40;")
    assert last.evidence["canary_answered"] == 0 and last.evidence["champion_answered"] == 40 and 10 < failed < 30
    assert (state.champion_number, state.challenger_id) == (1, None)
    assert told.message == f"version {canary.number}: {last.reason}"
    [topic] = [each for each in reason.topics if each.title == "Rollout"]
    assert topic.says.startswith(f"canary of {address}: rolled back") and topic.details == (last.reason,)

    tick(house, NOW)
    table = survey.observe(house, NOW).fleets[FLEET].table
    [served] = [row[signal.SERVED] for row in table.iter_rows(named=True) if row["key"] == "LGA/AA"]
    assert served == 80  # rows answered, each once; those that failed are none


@pytest.mark.parametrize("sound", [True, False])
def test_a_shadow_is_scored_beside_every_answer_and_ends_by_what_it_scored(
    house: House, tmp_path: Path, sound: bool
) -> None:
    """One has the model of the champion, the other fails on every row; those who ask see neither."""
    with house.store.read() as conn:
        own = versions.find(conn, FLEET, "LGA/AA")
        assert own is not None
        same = house.store.blobs.read(artifacts.get(conn, [own.artifact])[own.artifact].slot)
    shadow, _ = on_canary(house, same if sound else narrow(), ag.Shadow(), own.format if sound else "lightgbm")
    with Plant(tmp_path, date(2013, 2, 15)) as plant:
        plant.ready()
        assert ask(plant, [f"F{i}" for i in range(40)]) == {(f"{MEMBER}@1", "own"): 40}
        assert plant.ask("/argosy/flush", {})[0] == 200
        assert not [each.said for each in tick(house, NOW) if each.failed]
    with house.store.read() as conn:
        last, *_ = rollouts.history(conn, shadow.member_id)
        state = members.states(conn, [shadow.member_id])[shadow.member_id]
    told = {name: last.evidence[f"canary_{name}"] for name in ("answered", "failed")}
    assert (last.kind, last.evidence["champion_answered"], state.challenger_id) == ("shadow", 40, None)
    if sound:
        assert (last.state, told, state.champion_number) == ("finished", {"answered": 40, "failed": 0}, shadow.number)
        assert last.reason.endswith("that both scored, predictions 0 apart on 40 rows; 0 of 40 rows failed")
    else:
        assert (last.state, told, state.champion_number) == ("rolled_back", {"answered": 0, "failed": 40}, 1)
        assert last.reason.startswith("after 13h: 40 of 40 rows failed, of the champion's 0 of 40;")
    tick(house, NOW)
    table = survey.observe(house, NOW).fleets[FLEET].table
    [served] = [row[signal.SERVED] for row in table.iter_rows(named=True) if row["key"] == "LGA/AA"]
    assert served == 40  # what a shadow scored is in no window and no count


def declare(house: House, rollout: Rollout) -> None:
    """Declare the fleet with another rollout, as it was applied otherwise."""
    with house.store.write() as tx:
        known = declarations.get(tx, "fleet", FLEET)
        assert known is not None
        body = known.body | {"rollout": msgspec.to_builtins(rollout)}
        given = {"fingerprint": f"{known.fingerprint[:60]}next", "body": body, "at": START, "actor": "tester"}
        declarations.add(tx, [declarations.NewDeclaration(kind="fleet", name=FLEET, bundle=known.bundle, **given)])


def test_a_canary_climbs_its_steps_and_keeps_the_rows_of_the_step_before(house: House, tmp_path: Path) -> None:
    steps = ag.Canary(steps=[0.3, 0.8], bake="2h", minimum_rows=5)
    declare(house, steps)
    with house.store.read() as conn:
        own = versions.find(conn, FLEET, "LGA/AA")
        assert own is not None
        same = house.store.blobs.read(artifacts.get(conn, [own.artifact])[own.artifact].slot)
    canary, _ = on_canary(house, same, steps, own.format)
    route, flights = (f"{MEMBER}@{canary.number}", "canary"), [f"F{i}" for i in range(60)]
    with Plant(tmp_path, date(2013, 2, 15)) as plant:
        plant.ready()
        first = {flight for flight in flights if ask(plant, [flight])[route]}
        assert 8 <= len(first) <= 30 and plant.ask("/argosy/flush", {})[0] == 200
        assert not [each.said for each in tick(house, NOW) if each.failed]
        with house.store.read() as conn:
            wider, *_ = rollouts.history(conn, canary.member_id)
        assert (wider.state, wider.share, wider.at) == ("started", 0.8, NOW)
        assert wider.reason.endswith(f"0 of {len(first)} rows failed")
        assert not [each.said for each in tick(house, NOW + timedelta(hours=1)) if each.failed]  # the step is not over
        end = time.monotonic() + 60
        while {flight for flight in flights if ask(plant, [flight])[route]} == first:
            assert time.monotonic() < end, "the server does not read of the next step"
        second = {flight for flight in flights if ask(plant, [flight])[route]}
        assert first < second and 38 <= len(second) <= 58 and plant.ask("/argosy/flush", {})[0] == 200
        assert not [each.said for each in tick(house, NOW + timedelta(hours=3)) if each.failed]
    with house.store.read() as conn:
        states = [(each.state, each.share) for each in rollouts.history(conn, canary.member_id)]
        kinds = [each.kind for each in events.of_subject(conn, MEMBER) if each.kind in ("widened", "promoted")]
        state = members.states(conn, [canary.member_id])[canary.member_id]
    assert states[:3] == [("finished", 1.0), ("started", 0.8), ("started", 0.3)]
    assert kinds == ["promoted", "widened"] and state.champion_number == canary.number


def test_an_ab_test_is_decided_by_labels_that_come_later(house: House, tmp_path: Path) -> None:
    """Neither version is known to be better while there is no label; when its time is over the champion stays."""
    test = ag.ABTest(by="carrier", longest="20h")
    declare(house, test)
    with house.store.read() as conn:
        own = versions.find(conn, FLEET, "LGA/AA")
        assert own is not None
        same = house.store.blobs.read(artifacts.get(conn, [own.artifact])[own.artifact].slot)
    challenger, _ = on_canary(house, same, test, own.format)
    with Plant(tmp_path, date(2013, 2, 15)) as plant:
        plant.ready()
        met = ask(plant, [f"F{i}" for i in range(30)])
        assert len(met) == 1 and plant.ask("/argosy/flush", {})[0] == 200  # one carrier, so one version
    assert not [each.said for each in tick(house, NOW) if each.failed]
    with house.store.read() as conn:
        reason = why(conn, survey.observe(house, NOW), MEMBER, NOW)
        assert rollouts.history(conn, challenger.member_id)[0].state == "started"
    [topic] = [each for each in reason.topics if each.title == "Rollout"]
    assert topic.says.startswith(f"A/B test of {MEMBER}@{challenger.number}: started at ")
    assert "0 of 100 labelled observations (champion 0)" in topic.details[-1]
    over = START + timedelta(hours=21)
    assert not [each.said for each in tick(house, over) if each.failed]
    with house.store.read() as conn:
        last, *_ = rollouts.history(conn, challenger.member_id)
    assert (last.kind, last.state) == ("ab_test", "rolled_back")
    assert last.reason.startswith("after 21h: undecided, so the champion stays: 0 of 100 labelled observations")
