"""Watching: what a later look no longer sees is not said any more, and a canary's evidence is of its own time."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest
from sqlalchemy import select

import argosy as ag
from argosy.console import alarm, fleet
from argosy.console.page import to_html
from argosy.controller import signal, survey
from argosy.controller.act import watch
from argosy.controller.action import Ingest, Watch
from argosy.controller.condition import explain
from argosy.controller.house import House
from argosy.controller.loop import tick
from argosy.controller.plan import predictions
from argosy.controller.watching import reference
from argosy.controller.watching.kept import Kept
from argosy.controller.why import why
from argosy.data.dtype import INSTANT
from argosy.data.read import append, scan
from argosy.monitoring.window import Windows
from argosy.registry.rollout import Chosen, start
from argosy.store import alerts, members, schema, signals, windows
from argosy.testing.sample import train
from tests.controller.conftest import START

FLEET = "late-arrival"
NOW = START + timedelta(days=1)
LGA_AA = pl.lit("LGA/AA")


def look(house: House, now: datetime) -> dict[str, dict[str, Any]]:
    watch.run(house, survey.observe(house, now), Watch(FLEET, "a test"), now)
    table = survey.observe(house, now).fleets[FLEET].table
    return {row["key"]: row for row in table.iter_rows(named=True)}


@pytest.fixture
def drifting(house: House) -> House:
    """LGA/AA has drifted and is degraded, as watches of earlier weeks said."""
    said = {
        signal.DRIFT: 1.4, signal.DRIFT_VALUE: 0.7, signal.DEGRADED: 1.0, signal.SCORE: 0.6, signal.SCORE_ROWS: 90.0,
        signal.SERVED: 12.0,
    }  # fmt: skip
    with house.store.write() as tx:
        member = members.ids(tx, FLEET)["LGA/AA"]
        signals.record(
            tx,
            [signals.NewSignal(fleet=FLEET, member_id=member, name=n, value=v, at=START) for n, v in said.items()],
        )
    return house


def test_what_was_not_seen_again_is_no_longer_said(drifting: House) -> None:
    row = look(drifting, NOW)["LGA/AA"]
    assert [row[name] for name in (signal.DRIFT, signal.DRIFT_VALUE, signal.DEGRADED, signal.SCORE)] == [None] * 4
    assert row[signal.SERVED] == 0.0 and row[signal.ROWS] > 300
    with drifting.store.read() as conn:
        written = len(signals.history(conn, row["member_id"], signal.DRIFT))
    look(drifting, NOW)
    with drifting.store.read() as conn:
        assert len(signals.history(conn, row["member_id"], signal.DRIFT)) == written


def test_a_canary_that_says_the_same_again_says_it_of_today(house: House) -> None:
    began = START - timedelta(hours=12)
    with house.store.write() as tx:
        (canary,), _ = train(tx, FLEET, ["LGA/AA"]), train(tx, FLEET, ["LGA/AA"], hours=1)
        start(tx, FLEET, ag.Canary(), [Chosen(canary, True, "new")], began, "tester")
    with house.store.read() as conn:
        flights = scan(conn, house.store, "flights", low=began).filter(pl.col("carrier") == "AA").collect()
    for seen in (4, 10):
        answer(house, f"{FLEET}/LGA/AA@{canary.number}", flights["flight_id"].head(seen), began)
        assert look(house, NOW)["LGA/AA"][signal.CANARY] == 0.0
        with house.store.read() as conn:
            body = signals.bodies(conn, signal.CANARY, [canary.member_id])[canary.member_id]
        assert body["canary_rows"] == seen


def test_a_canary_that_fails_on_a_batch_about_days_before_it_started_is_told_of(house: House) -> None:
    began = START + timedelta(hours=6)
    with house.store.write() as tx:
        (canary,), (own,) = train(tx, FLEET, ["LGA/AA"]), train(tx, FLEET, ["LGA/AA"], hours=1)
        start(tx, FLEET, ag.Canary(), [Chosen(canary, True, "new")], began, "tester")
    keys = pl.Series([f"{i}" for i in range(40)])
    before, came = START - timedelta(days=20), began + timedelta(hours=1)
    answer(house, f"{FLEET}/LGA/AA@{own.number}", keys, before, came=began - timedelta(hours=1))
    answer(house, f"{FLEET}/LGA/AA@{own.number}", keys.head(39), before, came=came)
    answer(house, f"{FLEET}/LGA/AA@{canary.number}", keys, before, came=came, prediction=None)
    said = look(house, NOW)["LGA/AA"][signal.CANARY]
    with house.store.read() as conn:
        body = signals.bodies(conn, signal.CANARY, [canary.member_id])[canary.member_id]
    assert [body[f"canary_{what}"] for what in ("answered", "failed")] == [0, 40]
    assert [body[f"champion_{what}"] for what in ("answered", "failed")] == [39, 0]
    assert said == -1.0, body


def week(house: House, *, source: str = "week", **changed: pl.Expr) -> int:
    """Record answers of every sixth hour of the week before NOW for LGA/AA, 8 rows each; how many."""
    moments = pl.datetime_range(NOW - timedelta(days=7), NOW, "6h", closed="left", time_unit="us", time_zone="UTC")
    given = pl.select(at=moments).join(pl.select(row=pl.int_range(8)), how="cross").with_columns(
        row_key=pl.format("{}/{}/{}", pl.lit(source), "at", "row"), member=pl.lit("LGA/AA"), version=pl.lit("v@1"),
        route=pl.lit("own"), stale=pl.lit(False), distance=700.0, prediction=pl.lit(0.2),
    )  # fmt: skip
    rows = given.drop("row").with_columns(**changed)
    append(house.store, predictions(FLEET), rows, time="at", sources=[source], now=NOW, cause="answered")
    return rows.height


def alarms(house: House, state: str) -> dict[str, tuple[str, ...]]:
    """Alerts that were raised, or resolved, with their members."""
    with house.store.read() as conn:
        query = select(schema.alert.c.name, schema.alert.c.body).where(schema.alert.c.state == state)
        return {name: tuple(body["members"]) for name, body in conn.execute(query)}


def test_bad_values_are_a_signal_and_an_alert_until_they_are_gone(house: House) -> None:
    week(house, distance=pl.lit(99_000.0))
    row = look(house, NOW)["LGA/AA"]
    assert row[signal.QUALITY] == pytest.approx(10.0)
    assert alarms(house, "raised")["quality/distance/range"] == ("LGA/AA",)
    with house.store.read() as conn:
        body = signals.bodies(conn, signal.QUALITY, [row["member_id"]])[row["member_id"]]
    assert (body["value"], body["reference"]) == (1.0, 0.0)
    later = NOW + timedelta(days=20)
    assert look(house, later)["LGA/AA"][signal.QUALITY] is None
    assert "quality/distance/range" in alarms(house, "resolved")


def test_a_window_that_is_not_half_full_is_told_of_until_it_is(house: House) -> None:
    week(house)
    early = NOW - timedelta(days=2)
    row = look(house, early)["LGA/AA"]
    assert row[signal.DRIFT] is None and row[signal.DRIFT_WINDOW] == timedelta(days=14).total_seconds()
    assert row[signal.DRIFT_SINCE] == (NOW - timedelta(days=7)).timestamp()
    saw = explain(ag.drifted(), row, early).saw
    assert saw == "not measured: rows of 5d so far, a window of 14d counts from half of it on"
    row = look(house, NOW)["LGA/AA"]
    assert row[signal.DRIFT] is not None
    assert (row[signal.DRIFT_SINCE], row[signal.DRIFT_WINDOW]) == (None, None)


def test_an_alert_that_comes_to_be_about_others_says_so_and_keeps_its_start(house: House) -> None:
    name = "quality/distance/range"
    week(house, distance=pl.lit(99_000.0))
    look(house, NOW)
    week(house, source="another", distance=pl.lit(99_000.0), member=pl.lit("LGA/MQ"))
    later = NOW + timedelta(hours=1)
    look(house, later)
    with house.store.read() as conn:
        (alert,) = (each for each in alerts.raised(conn, FLEET) if each.name == name)
        (shown,) = (each for each in alarm.ranked(conn, FLEET) if each.name == name)
    assert alert.body["members"] == ["LGA/AA", "LGA/MQ"] and alert.message.startswith("2 of ")
    assert (alert.state, alert.at, shown.at) == (alerts.CHANGED, later, NOW)
    with house.store.read() as conn:
        before = len(conn.execute(schema.alert.select()).all())
    look(house, later + timedelta(hours=1))
    with house.store.read() as conn:
        assert len(conn.execute(schema.alert.select()).all()) == before


def test_rows_that_failed_are_neither_served_nor_scored_nor_bad(house: House) -> None:
    assert week(house) == 224
    before = look(house, NOW)["LGA/AA"]
    week(house, prediction=pl.lit(None, pl.Float64), distance=pl.lit(None, pl.Float64), source="failed")
    after = look(house, NOW)["LGA/AA"]
    assert before[signal.SERVED] == after[signal.SERVED] == 32.0
    assert before[signal.QUALITY] == after[signal.QUALITY]
    with house.store.read() as conn:
        assert {each.rows for each in windows.between(conn, FLEET, "live")} == {32}


def test_rows_without_labels_have_an_estimate_once_there_is_something_to_calibrate_by(house: House) -> None:
    week(house, prediction=(pl.col("at").dt.hour() / 100.0 + 0.1))
    assert look(house, NOW)["LGA/AA"][signal.ESTIMATE] is None
    with house.store.read() as conn:
        flights = scan(conn, house.store, "flights", low=START - timedelta(days=6)).collect()
    answer(house, "late-arrival/LGA/AA@1", flights["flight_id"], START - timedelta(days=1))
    row = look(house, NOW)["LGA/AA"]
    assert row[signal.SCORE_ROWS] > 200 and 0.3 < row[signal.ESTIMATE] < 0.8


def test_skew_is_looked_at_again_once_as_much_is_new_also_by_another_process(house: House) -> None:
    def looks() -> list[int]:
        with house.store.read() as conn:
            return [each.rows for each in windows.between(conn, FLEET, "skew")]

    with house.store.read() as conn:
        flights = scan(conn, house.store, "flights", low=START - timedelta(hours=20)).collect()
    for hours, count in ((0, 10), (1, 15), (2, 20), (3, 40)):
        at = START + timedelta(hours=1 + hours)
        answer(house, "late-arrival/LGA/AA@1", flights["flight_id"].head(count), at)
        look(house, NOW + timedelta(hours=hours))
    assert looks() == [10, 25, 85]
    house.memory.kept = Kept()
    look(house, NOW + timedelta(hours=4))
    assert looks() == [10, 25, 85]
    assert not [name for name in alarms(house, "raised") if name.startswith("skew/airport")]


def test_a_challenger_that_does_not_answer_is_nothing_to_compare_with(house: House) -> None:
    """It is trained on flights of another distance; for whoever answers meanwhile, those are out of range."""
    week(house, distance=pl.lit(99_000.0))
    state = survey.observe(house, NOW).fleets[FLEET]
    strange = pl.DataFrame({"distance": [99_000.0] * 500, "late": [0, 1] * 250})
    keys = pl.Series("member", ["LGA/AA"] * 500)
    with house.store.read() as conn:
        frozen = reference.frozen(conn, house.store, FLEET, state.revision)
    assert frozen is not None
    names = [feature.name for feature in frozen.bins.features]
    rows = strange.with_columns(pl.lit(None, pl.Float64).alias(name) for name in names if name != "distance")
    reference.record(house.store, state.fleet, state.revision, rows, keys, names, ["LGA/AA"], NOW, 1)
    assert look(house, NOW)["LGA/AA"][signal.QUALITY] == pytest.approx(10.0)


def topics(house: House, now: datetime) -> dict[str, tuple[str, tuple[str, ...]]]:
    """What is said of the fleet, by title."""
    snapshot = survey.observe(house, now)
    with house.store.read() as conn:
        return {each.title: (each.says, each.details) for each in why(conn, snapshot, FLEET, now).topics}


def test_a_thousand_unknown_keys_make_no_member_and_are_told_of_in_one_line(house: House) -> None:
    before, at, pooled = look(house, NOW), NOW - timedelta(hours=2), "late-arrival/*@1"
    keys = pl.Series([f"f{i}" for i in range(1_000)])
    answer(house, pooled, keys, at, member=pl.format("JFX/{}", pl.int_range(pl.len())))
    answer(house, pooled, keys.head(2), at - timedelta(hours=1), member=pl.lit("JFX/7"))

    def fail(rows: int) -> None:
        member = pl.concat_str(pl.lit("ZZ/"), "row_key")
        answer(house, pooled, keys.head(rows), at, member=member, prediction=None, route="unknown")

    fail(5)
    after = look(house, NOW)
    assert after.keys() == before.keys() and after["LGA/AA"] == before["LGA/AA"]
    assert [after["*"][name] for name in (signal.UNKNOWN, signal.SERVED)] == [1_002.0, 1_002.0]
    assert after["*"][signal.ROWS] == before["*"][signal.ROWS]
    says, details = topics(house, NOW)["Unknown keys"]
    assert says.startswith("the pooled model answered 1,002 rows of 1,000 keys that flights has no row of")
    assert details[0] == "JFX/7: 3 rows" and details[-1] == "and 995 more" and len(details) == 6
    with house.store.read() as conn:
        page = to_html(fleet.page(conn, FLEET, NOW))
        (day,) = [Windows.from_bytes(house.store.blobs.get(w.digest)) for w in windows.between(conn, FLEET, "live")]
    assert f"{says}: JFX/7, JFX/0" in page
    assert (day.members, day.rows.tolist()) == (("*",), [1_002])
    assert alarms(house, "raised") == {}

    fail(50)
    look(house, NOW)
    assert alarms(house, "raised") == {"failure/rows": ("*",)}
    later = NOW + timedelta(days=2)
    assert look(house, later)["*"][signal.UNKNOWN] == 0.0 and "Unknown keys" not in topics(house, later)


def test_an_unknown_key_is_a_member_once_the_spine_has_a_row_of_it_and_its_rows_count(
    house: House, project: Path
) -> None:
    with house.store.read() as conn:
        flights = scan(conn, house.store, "flights", low=START - timedelta(hours=20)).collect()
    answer(house, "late-arrival/*@1", flights["flight_id"].head(9), START + timedelta(hours=8), member=pl.lit("LGA/VX"))
    rows = look(house, NOW)
    assert "LGA/VX" not in rows and rows["*"][signal.UNKNOWN] == 9.0

    file = max((project / "data" / "flights").glob("*.parquet"))
    arrives = NOW + timedelta(hours=6)
    landed = pl.read_parquet(file).tail(3).with_columns(
        carrier=pl.lit("VX"), flight_id=pl.format("VX {}", "flight_id"), arrived_at=pl.lit(arrives).cast(INSTANT)
    )  # fmt: skip
    landed.write_parquet(file.with_name("new.parquet"))
    assert not [each.said for each in tick(house, NOW, only=(Ingest,)) if each.failed]
    rows = look(house, NOW)
    assert (rows["LGA/VX"][signal.ROWS], rows["LGA/VX"][signal.SERVED]) == (0.0, 9.0)
    assert rows["*"][signal.UNKNOWN] == 0.0 == rows["*"][signal.SERVED]
    assert look(house, arrives)["LGA/VX"][signal.ROWS] == 3.0


def test_a_fleet_without_a_pooled_model_has_no_signals_of_one(house: House) -> None:
    with house.store.read() as conn:
        flights = scan(conn, house.store, "flights", low=START - timedelta(days=6)).collect()
    answer(house, "late-arrival/LGA/AA@1", flights["flight_id"], START - timedelta(days=1))
    assert look(house, NOW)["*"][signal.SCORE] is not None
    snapshot = survey.observe(house, NOW)
    state = snapshot.fleets[FLEET]
    alone = msgspec.structs.replace(state, fleet=msgspec.structs.replace(state.fleet, pooled=False))
    watch.run(house, msgspec.structs.replace(snapshot, fleets={FLEET: alone}), Watch(FLEET, "a test"), NOW)
    rows = {row["key"]: row for row in survey.observe(house, NOW).fleets[FLEET].table.iter_rows(named=True)}
    assert rows["*"][signal.SCORE] is None and rows["LGA/AA"][signal.SCORE] is not None


def answer(
    house: House, version: str, keys: pl.Series, at: datetime, *, came: datetime | None = None,
    prediction: float | None = 0.2, member: pl.Expr = LGA_AA, route: str = "canary",
) -> None:  # fmt: skip
    """Record that a version answered for these flights of a member, or failed: without a prediction."""
    given = pl.DataFrame({"row_key": keys, "distance": 700.0}).with_columns(
        prediction=pl.lit(prediction, pl.Float64),
        member=member, version=pl.lit(version), route=pl.lit(route), stale=pl.lit(False),
        at=pl.lit(at).cast(INSTANT),
    )  # fmt: skip
    append(
        house.store,
        predictions(FLEET),
        given,
        time="at",
        sources=[f"{version} {came or at} {len(keys)}"],
        now=came or at,
        cause="answered",
    )
