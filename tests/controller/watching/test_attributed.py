"""Attribution drift: answered rows are explained and held against rows of the training set."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
import polars as pl
import pytest

from argosy.controller import survey, trial
from argosy.controller.act import watch
from argosy.controller.action import Watch
from argosy.controller.house import House
from argosy.controller.plan import predictions
from argosy.controller.watching import attributed
from argosy.controller.watching.answered import answers
from argosy.controller.watching.attributed import Look
from argosy.data.read import append
from argosy.model.format import load
from argosy.model.signature import Signature, encode
from argosy.registry.address import parse
from argosy.spec.monitor import Attribution
from argosy.store import alerts, artifacts, versions, windows
from tests.controller.conftest import START

pytestmark = pytest.mark.slow

FLEET, POOLED = "late-arrival", "late-arrival/*@1"
NOW = START + timedelta(hours=6)
MONITOR = Attribution(limit=0.2, rows=120, minimum_rows=60)


def record(
    house: House, count: int, at: datetime = START, *, moved: bool = False, lost: bool = False, who: str = POOLED
) -> None:
    """Rows of the training set that a version answers; in `moved` ones nothing differs but the distance."""
    address = parse(who)
    with house.store.read() as conn:
        version = versions.find(conn, FLEET, address.key, address.number)
        assert version is not None and version.signature is not None
        artifact = artifacts.get(conn, [version.artifact])[version.artifact]
    signature = Signature.from_json(house.store.blobs.get(version.signature))
    model = load(version.format, artifacts.content(house.store.blobs, artifact))
    given = trial.rows(trial.opened(house.places.sets / FLEET), address, version, signature, ())
    values = pl.DataFrame(given.rows, infer_schema_length=None)
    values = pl.concat([values] * (count // values.height + 1)).head(count)
    if moved:
        constant = [pl.lit(values[name][0]).alias(name) for name in values.columns if name != "distance"]
        values = values.with_columns(*constant, pl.int_range(count).mul(40.0).alias("distance"))
    answer = model.predict(encode(values, signature))
    rows = values.with_columns(
        row_key=pl.format("{}-{}", pl.lit(f"{at:%H%M}"), pl.int_range(count)), member=pl.lit("LGA/AA"),
        at=pl.lit(at) + pl.duration(seconds=pl.int_range(count)), request_id=pl.lit("r"), version=pl.lit(who),
        route=pl.lit("pooled"), prediction=pl.Series(answer), stale=pl.lit(value=False),
        **{name: pl.lit(None) for name in (values.columns if lost else ())},
    )  # fmt: skip
    append(house.store, predictions(FLEET), rows, time="at", sources=[str(at)], now=at, cause="answered rows")


def look(house: House, now: datetime = NOW) -> tuple[pl.DataFrame, list[windows.NewWindow]]:
    snapshot = survey.observe(house, now)
    with house.store.read() as conn:
        version = versions.find(conn, FLEET, "*", 1)
        assert version is not None
        rows = answers(conn, house.store, FLEET, START - timedelta(days=1), now + timedelta(days=1))
        answering = {"LGA/AA": (version.id, None)}
        tables, facts = attributed.look(
            house, conn, snapshot, snapshot.fleets[FLEET], [MONITOR], answering, rows, now
        )  # fmt: skip
    with house.store.write() as tx:
        windows.add(tx, facts)
    return tables[0], facts


def seen(house: House, fact: windows.NewWindow) -> Look:
    return msgspec.json.decode(house.store.blobs.get(fact.digest), type=Look)


def test_rows_as_in_training_lean_as_in_training_and_others_do_not(house: House) -> None:
    record(house, 150)
    table, (fact,) = look(house)
    found = seen(house, fact)
    assert (fact.kind, fact.rows, found.seen[POOLED].rows, found.left_out) == ("attribution", 120, 120, {})
    assert sum(found.trained[POOLED].shares.values()) == pytest.approx(1.0)
    ((kind, member, value, limit),) = table.select("kind", "member", "value", "limit").rows()
    assert (kind, member, limit) == ("attribution", "LGA/AA", 0.2) and value < 0.2
    record(house, 150, START + timedelta(hours=4), moved=True)
    table, (fact,) = look(house, NOW + timedelta(hours=1))
    assert table["value"].item() > 0.2 and table["cause"].item() in seen(house, fact).seen[POOLED].shares
    assert seen(house, fact).trained == found.trained


def test_it_is_looked_once_an_hour_and_when_rows_are_new(house: House) -> None:
    record(house, 80)
    first, facts = look(house)
    assert len(facts) == 1 and first.height == 1
    again, none = look(house, NOW + timedelta(hours=2))
    assert none == [] and again.equals(first)
    record(house, 80, START + timedelta(hours=1))
    assert look(house, NOW + timedelta(minutes=30))[1] == []
    assert len(look(house, NOW + timedelta(hours=3))[1]) == 1


def test_too_few_rows_and_rows_without_their_values_say_nothing(house: House) -> None:
    record(house, 50)
    table, (fact,) = look(house)
    assert table.is_empty() and seen(house, fact).seen == {}
    record(house, 90, START + timedelta(hours=1), lost=True)
    table, (fact,) = look(house, NOW + timedelta(hours=2))
    assert table.is_empty() and "the recorded values give the recorded answer in" in seen(house, fact).left_out[POOLED]


def test_what_is_not_declared_is_not_looked_at(house: House) -> None:
    record(house, 80)
    with house.store.read() as conn:
        snapshot = survey.observe(house, NOW)
        rows = answers(conn, house.store, FLEET, START - timedelta(days=1), NOW)
        assert attributed.look(house, conn, snapshot, snapshot.fleets[FLEET], [], {}, rows, NOW) == ([], [])


def test_a_watch_of_a_fleet_that_declares_it_raises_an_alert(house: House) -> None:
    snapshot = survey.observe(house, NOW)
    state = snapshot.fleets[FLEET]
    row = state.table.row(by_predicate=pl.col("key") == "LGA/AA", named=True)
    who = f"{FLEET}/LGA/AA@{row['champion_number']}" if row["target"] == "own" else POOLED
    record(house, 150, moved=True, who=who)
    snapshot = survey.observe(house, NOW)
    declared = msgspec.structs.replace(state.fleet, monitors=(*state.fleet.monitors, MONITOR))
    fleets = {FLEET: msgspec.structs.replace(snapshot.fleets[FLEET], fleet=declared)}
    watch.run(house, msgspec.structs.replace(snapshot, fleets=fleets), Watch(FLEET, "a test"), NOW)
    with house.store.read() as conn:
        (fact,) = windows.between(conn, FLEET, "attribution")
        (alert,) = (each for each in alerts.raised(conn, FLEET) if each.name.startswith("attribution/"))
    assert seen(house, fact).left_out == {} and "leans otherwise on" in alert.message
    assert alert.body["members"] == ["LGA/AA"] and alert.value > alert.limit_value == 0.2
