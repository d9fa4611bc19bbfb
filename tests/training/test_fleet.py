from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest
from sqlalchemy import Connection

from argosy.engine.contract import Progress
from argosy.engine.local import Local
from argosy.errors import LeaseError
from argosy.features.trainingset import Columns, TrainingSet, build
from argosy.model.format import load
from argosy.model.signature import Signature, infer_signature
from argosy.spec.estimator import Estimator
from argosy.spec.rollout import Canary, Immediate
from argosy.spec.search import Candidate, Int, Search
from argosy.store import Store, aliases, artifacts, edges, executions, leases, members, versions
from argosy.training.fleet import PRELOAD, train
from argosy.training.plan import changed
from argosy.training.request import TrainReport, TrainRequest
from argosy.training.rows import Member
from examples.flights.world import load as load_flights
from tests.training.bad import DIES, HANGS, RAISES
from tests.training.sample import BOOSTED, FEATURES, NOW, SIGNATURE, Memory, fleet, some

pytestmark = pytest.mark.slow

FRAGILE = Candidate(Estimator("tests.training.bad:Fragile", {"n_estimators": 5, "verbosity": -1}), name="fragile")


def request(data: Memory, only: frozenset[str] | None = None, **fields: Any) -> TrainRequest:
    return TrainRequest(
        fleet=fleet(**fields), signature=SIGNATURE, members=tuple(data.members), data=data, code="c",
        environment="e", inputs=(("dataset", "flights@3"), ("training_set", "abc")), only=only,
    )  # fmt: skip


def recorded(store: Store, key: str, number: int | None = None) -> versions.Version:
    with store.read() as conn:
        found = versions.find(conn, "late-arrival", key, number)
    assert found is not None
    return found


def counts(store: Store) -> Counter[str]:
    with store.read() as conn:
        ids = members.ids(conn, "late-arrival")
        names = {id: key for key, id in ids.items()}
        return Counter(names[version.member_id] for version in versions.of(conn, ids.values()))


def test_a_fleet_is_trained_once_and_again_only_where_rows_changed(store: Store, engine: Local) -> None:
    parts = {"x": some(0), "y": some(1), "z": some(2)}
    first = train(store, engine, request(Memory(parts)), NOW)
    assert (set(first.versions), first.failed, first.fallbacks, first.unchanged) == ({"x", "y", "z"}, {}, {}, {})
    again = train(store, engine, request(Memory(parts)), NOW)
    assert (again.versions, set(again.unchanged), again.cpu_s) == ({}, {"x", "y", "z"}, 0.0)
    parts["y"].labels[0] = 1 - parts["y"].labels[0]
    third = train(store, engine, request(Memory(parts)), NOW + timedelta(days=1))
    assert (set(third.versions), set(third.unchanged)) == ({"y"}, {"x", "z"})
    assert counts(store) == {"x": 1, "y": 2, "z": 1}
    before, after = recorded(store, "y", 1), recorded(store, "y", 2)
    assert changed(before.body["parts"], after.body["parts"]) == ["rows"]


def test_a_version_holds_its_evidence_and_its_lineage(store: Store, engine: Local) -> None:
    train(store, engine, request(Memory({"x": some(0)})), NOW)
    version = recorded(store, "x")
    assert (version.number, version.format, version.rows, version.signature) == (1, "lightgbm", 306, SIGNATURE.digest)
    assert set(version.metrics) == {"log_loss", "brier", "roc_auc", "latency_p50_ms", "latency_p99_ms", "size_kb"}
    score = version.body["scores"]["roc_auc"]
    assert score["low"] < score["value"] == version.metrics["roc_auc"] < score["high"]
    assert version.body["held_out"]["rows"] == 94 and version.body["answer"]["own"]
    with store.read() as conn:
        slot = artifacts.get(conn, [version.artifact])[version.artifact].slot
        run = executions.get(conn, [version.execution_id])[version.execution_id]
        lineage = {(edge.direction, edge.kind, edge.reference) for edge in edges.of(conn, [version.execution_id])}
    assert load(version.format, store.blobs.read(slot)).predict(np.zeros((1, 4))).shape == (1,)
    assert Signature.from_json(store.blobs.get(SIGNATURE.digest)) == SIGNATURE
    assert (run.outcome, run.subject) == ("succeeded", "late-arrival/x") and run.cpu_s
    digest = run.parameters["parts"]["rows"]
    assert lineage == {
        ("in", "dataset", "flights@3"), ("in", "training_set", "abc"), ("in", "rows", digest),
        ("out", "version", "late-arrival/x@1"),
    }  # fmt: skip


def test_a_bad_member_fails_or_falls_back_alone_with_its_reason(store: Store, engine: Local) -> None:
    parts = {key: some(seed) for seed, key in enumerate(("dies", "empty", "hangs", "one", "raises", "short", "x", "y"))}
    for key, sign in (("dies", DIES), ("hangs", HANGS), ("raises", RAISES)):
        parts[key].matrix[5, 0] = sign
    parts["empty"].matrix[:] = np.nan
    parts["one"].labels[:] = 1.0
    parts["short"] = some(9, 40)
    report = train(store, engine, request(Memory(parts), candidates=(FRAGILE,), time_limit="6s"), NOW)
    assert set(report.versions) == {"x", "y"}
    assert set(report.failed) == {"dies", "hangs", "raises"}
    assert report.failed["raises"] == "exception: ValueError: these rows cannot be learned"
    assert report.failed["dies"].startswith("crash: ") and report.failed["hangs"].startswith("timeout: ")
    assert set(report.fallbacks) == {"empty", "one", "short"}
    assert report.fallbacks["short"] == "40 labelled rows, fewer than minimum_rows=100"
    with store.read() as conn:
        states = members.table(conn, "late-arrival")
    outcomes = dict(zip(states["key"], states["execution_outcome"], strict=True))
    assert Counter(outcomes.values()) == {"failed": 3, "fallback": 3, "succeeded": 2}
    some_of = frozenset({"raises", "empty", "x"})
    again = train(store, engine, request(Memory(parts), candidates=(FRAGILE,), time_limit="6s", only=some_of), NOW)
    assert (set(again.failed), set(again.unchanged)) == ({"raises"}, {"empty", "x"})


@pytest.mark.parametrize(("rollout", "pooled_rival"), [(Immediate(), 2), (Canary(), 1)])
def test_own_competes_with_pooled_and_with_the_champion_on_the_same_rows(
    store: Store, engine: Local, rollout: Immediate | Canary, pooled_rival: int
) -> None:
    parts = {key: some(seed, 600) for seed, key in enumerate("wxyz")}
    parts["w"], parts["x"] = some(7, 600, slope=-3.0), some(11, 150)
    parts["tiny"] = some(8, 60)
    report = train(store, engine, request(Memory(parts), pooled=True), NOW)
    assert set(report.versions) == {"*", *"wxyz"} and set(report.fallbacks) == {"tiny"}
    pooled, odd, like = recorded(store, "*"), recorded(store, "w"), recorded(store, "x")
    assert pooled.rows + pooled.body["held_out"]["rows"] == 3 * 600 + 150 + 60
    assert odd.body["answer"]["own"] and not like.body["answer"]["own"]
    seen = odd.body["rivals"]["pooled"]["log_loss"]
    assert seen["own"] == odd.metrics["log_loss"] and seen["difference"] < 0
    with store.write() as tx:
        ids = members.ids(tx, "late-arrival")
        answers = (("w", "own", odd.id), ("x", "pooled", None), ("*", "own", pooled.id))
        for key, target, version in answers:
            aliases.move(tx, [aliases.Move(
                fleet="late-arrival", member_id=ids[key], alias="champion", target=target, at=NOW, actor="t",
                version_id=version,
            )])  # fmt: skip
    for key in "wxy":
        parts[key].labels[0] = 1 - parts[key].labels[0]
    train(store, engine, request(Memory(parts), pooled=True, rollout=rollout), NOW)
    assert counts(store) == {"*": 2, "w": 2, "x": 2, "y": 2, "z": 1}
    assert f" vs pooled@{pooled_rival} " in recorded(store, "w").body["answer"]["reason"]
    odd, like, none = (recorded(store, key).body["rivals"] for key in "wxy")
    assert set(odd) == set(like) == {"champion", "pooled"} and set(none) == {"pooled"}
    assert abs(odd["champion"]["log_loss"]["difference"]) < 0.05 < -odd["pooled"]["log_loss"]["difference"]
    assert like["champion"]["log_loss"]["rival"] == pytest.approx(like["pooled"]["log_loss"]["rival"], abs=0.05)


@pytest.mark.parametrize("place", ["same", "other"])
def test_one_changed_value_of_a_set_on_disk_is_one_fit(store: Store, engine: Local, tmp_path: Path, place: str) -> None:
    def built(name: str, value: float | None) -> TrainingSet:
        parts = [some(seed) for seed in range(3)]
        if value is not None:
            parts[1].matrix[7, 0] = value
        frame = pl.concat(
            pl.DataFrame(part.matrix[:, :3], schema=FEATURES[:3]).with_columns(
                airport=pl.lit(key),
                late=pl.Series(part.labels),
                at=pl.Series(part.times).cast(pl.Datetime("us", "UTC")),
            )
            for key, part in zip("xyz", parts, strict=True)
        )
        signature = infer_signature(frame, FEATURES[:3], task="binary", label="late")
        return build(frame, signature, Columns(("airport",), "at", "late"), tmp_path / name)

    def trained(data: TrainingSet) -> set[str]:
        lines = data.members.filter(pl.col("member") != "*").select("member", "start", "rows", "digest")
        wanted = TrainRequest(
            fleet=fleet(pooled=False, features=FEATURES[:3]), signature=data.signature, data=data, code="c",
            environment="e", members=tuple(Member(*line) for line in lines.iter_rows()),
        )  # fmt: skip
        report = train(store, engine, wanted, NOW)
        assert not report.failed
        return set(report.versions)

    assert trained(built("same", None)) == {"x", "y", "z"}
    assert trained(built("same", None)) == set()
    assert trained(built(place, 0.0)) == {"y"}


def test_the_parent_is_tuned_once_and_members_start_from_its_best(store: Store, engine: Local) -> None:
    searched = Candidate(BOOSTED.estimator, {"num_leaves": Int(3, 15)}, "boosted")
    parts = {"x": some(0), "y": some(1)}
    wanted: dict[str, Any] = {"candidates": (searched,), "search": Search(trials=4, member_trials=2)}
    first = train(store, engine, request(Memory(parts), **wanted), NOW)
    assert len(first.settings["boosted"]) == 2
    version = recorded(store, "x")
    assert version.body["settings"] in first.settings["boosted"] and len(version.body["trials"]) == 2
    parts["y"].labels[0] = 1 - parts["y"].labels[0]
    second = train(store, engine, request(Memory(parts), **wanted), NOW)
    assert second.settings == first.settings and set(second.versions) == {"y"}
    with store.read() as conn:
        (tuning,) = executions.of_subject(conn, "late-arrival")
    assert (tuning.kind, len(tuning.metrics["trials"])) == ("tune", 4)


def test_a_fleet_without_key_has_one_member(store: Store, engine: Local) -> None:
    report = train(store, engine, request(Memory({"": some(0)}), by=()), NOW)
    assert set(report.versions) == {""}
    with store.read() as conn:
        assert executions.of_subject(conn, "late-arrival")[0].outcome == "succeeded"


@pytest.mark.fault
def test_after_a_kill_only_what_is_missing_is_fitted(home: Path, engine: Local) -> None:
    parts = {f"m{number:03}": some(number, 120) for number in range(700)}
    process = multiprocessing.get_context("spawn").Process(target=_trains, args=(home, parts))
    process.start()
    with Store.open(home) as store:
        deadline = time.monotonic() + 120
        while not counts(store) and time.monotonic() < deadline:
            time.sleep(0.05)
        os.kill(process.pid or 0, signal.SIGKILL)
        process.join()
        landed = counts(store)
        assert 0 < len(landed) < 700
        report = train(store, engine, request(Memory(parts)), NOW)
        assert set(report.unchanged) == set(landed) and len(report.versions) == 700 - len(landed)
        assert set(counts(store).values()) == {1} and len(counts(store)) == 700


def _trains(home: Path, parts: dict[str, Any]) -> None:
    with Store.open(home) as store, Local(2, preload=PRELOAD) as engine:
        train(store, engine, request(Memory(parts)), NOW)


def test_results_of_a_training_that_lost_its_right_are_refused_and_those_of_its_successor_stand(
    store: Store, home: Path, engine: Local
) -> None:
    wanted = request(Memory({"x": some(0), "y": some(1)}))
    ttl, subject = timedelta(minutes=1), "fleet:late-arrival"
    mine = leases.claim(store, subject, "first", NOW, ttl)
    assert mine is not None

    @contextmanager
    def under_lease() -> Iterator[Connection]:
        with store.write() as tx:
            leases.hold(tx, [mine])
            yield tx

    def sleep_over(progress: Progress) -> None:
        """Results are there and have not landed: now this process sleeps, and another one does the work."""
        if progress.done and not counts(store):
            with Store.open(home) as other, Local(1, preload=PRELOAD) as theirs:
                assert leases.claim(other, subject, "second", NOW + 2 * ttl, ttl) is not None
                assert set(train(other, theirs, wanted, NOW + 2 * ttl).versions) == {"x", "y"}

    with pytest.raises(LeaseError, match="was lost to second"):
        train(store, engine, wanted, NOW, sleep_over, under_lease)
    assert counts(store) == {"x": 1, "y": 1}
    assert {recorded(store, key).at for key in "xy"} == {NOW + 2 * ttl}
    assert set(train(store, engine, wanted, NOW).unchanged) == {"x", "y"}


def test_a_report_is_plain_data(store: Store, engine: Local) -> None:
    report = train(store, engine, request(Memory({"x": some(0, 40)})), NOW)
    assert msgspec.json.decode(msgspec.json.encode(report), type=TrainReport) == report


def test_real_flights_are_learned_and_own_or_pooled_is_chosen_with_a_reason(
    store: Store, engine: Local, tmp_path: Path
) -> None:
    departs = pl.col("scheduled_departure")
    spring = (departs < datetime(2013, 4, 1, tzinfo=UTC)) & pl.col("late").is_not_null()
    rows = load_flights(tmp_path).flights.filter(spring & pl.col("carrier").is_in(["AA", "MQ", "EV", "OO"]))
    rows = rows.with_columns(hour=departs.dt.hour(), weekday=departs.dt.weekday())
    names = ["hour", "weekday", "distance", "dest"]
    signature = infer_signature(rows, names, task="binary", label="late")
    data = build(rows, signature, Columns(("origin", "carrier"), "scheduled_departure", "late"), tmp_path / "set")
    lines = data.members.filter(pl.col("member") != "*").select("member", "start", "rows", "digest")
    wanted = TrainRequest(
        fleet=fleet(features=names, by=("origin", "carrier"), pooled=True), signature=signature, data=data,
        members=tuple(Member(*line) for line in lines.iter_rows()), code="c", environment="e",
    )  # fmt: skip
    report = train(store, engine, wanted, NOW)
    assert report.failed == {}
    assert {"JFK/AA", "LGA/MQ", "EWR/EV", "*"} <= set(report.versions)
    assert all("fewer than minimum_rows=100" in reason for reason in report.fallbacks.values())
    pooled = recorded(store, "*")
    assert pooled.metrics["roc_auc"] > 0.6 and {"carrier", "origin"} <= set(pooled.body["importance"])
    for key in report.versions.keys() - {"*"}:
        body = recorded(store, key).body
        figures = body["rivals"]["pooled"]["log_loss"]
        reason = body["answer"]["reason"]
        assert f"{figures['own']:.3f} vs pooled@1 {figures['rival']:.3f} on {body['held_out']['rows']} rows" in reason
    assert train(store, engine, wanted, NOW).versions == {}
