"""Beginning what is due, once; taking up what was cut off; and saying why neither can be."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from argosy.controller import code, ending, running, starting, tenure
from argosy.controller.house import House
from argosy.store import datasets, runs
from argosy.store.store import Store
from argosy.testing.sample import ingest
from tests.controller.timetable import NIGHTLY, START, declare, ended, of

READS = """
@ag.step
def rows(flights: ag.Table) -> int:
    return flights.height

@ag.pipeline(schedule="0 6 * * *", on=ag.new_version("flights"))
def reads(flights: ag.Dataset):
    return rows(flights)
"""
NOW = START + timedelta(hours=7)


@pytest.fixture
def house(home: Path, tmp_path: Path) -> Iterator[House]:
    with Store.open(home) as store, House(store) as made:
        declare(store, tmp_path / "p", NIGHTLY + READS)
        yield made


@pytest.mark.slow
def test_what_is_due_begins_once_and_by_one_process(house: House) -> None:
    with tenure.hold(house.store, "start/nightly"):
        assert starting.begin(house, "nightly", NOW) is None
    begun = starting.begin(house, "nightly", NOW)
    assert begun is not None and begun.run.due_at == START + timedelta(hours=6)
    assert starting.begin(house, "nightly", NOW) is None
    assert starting.begin(house, "nightly", NOW + timedelta(days=1)) is None
    assert starting.begin(house, "weekly", NOW) is None
    assert running.carry_out(house, begun.code, begun.run, begun.setting) == runs.SUCCEEDED
    second = starting.begin(house, "nightly", NOW + timedelta(days=1))
    assert second is not None and second.run.key != begun.run.key
    assert [run.id for run in of(house.store)] == [begun.run.id, second.run.id]


def test_what_cannot_begin_has_failed_and_may_be_tried_again_with_what_it_lacked(house: House) -> None:
    assert starting.begin(house, "reads", NOW) is None
    (run,) = of(house.store)
    assert (ended(house.store)[run.id].outcome, run.due_at) == (runs.FAILED, START + timedelta(hours=6))
    assert "reads flights, of which there is no version" in ended(house.store)[run.id].reason
    assert starting.begin(house, "reads", NOW) is None
    with house.store.write() as tx:
        datasets.commit(tx, ingest("flights", "january"))
    found = code.of_run(house, run)
    assert running.setting(house, found, run.parameters, run.inputs).rows
    begun = starting.begin(house, "reads", NOW)
    assert begun is not None and begun.run.cause == "new version flights@1"


def test_a_run_is_taken_up_with_what_it_had_unless_it_ended(house: House, tmp_path: Path) -> None:
    begun = starting.begin(house, "nightly", NOW)
    assert begun is not None
    declare(house.store, tmp_path / "p", NIGHTLY.replace("str(span)", "'other'"), NOW)
    again = starting.take_up(house, begun.run.id)
    assert again is not None and again.code.bundle == begun.code.bundle
    assert [node.arguments for node in again.setting.graph.nodes] == [{"about": begun.run.parameters["span"]}]
    starting.give_up(house.store, begun.run, "enough", "tester")
    starting.give_up(house.store, begun.run, "more than enough", "tester")
    assert ended(house.store)[begun.run.id].reason == "enough"
    assert starting.take_up(house, begun.run.id) is None
    assert starting.take_up(house, 99) is None


@pytest.mark.parametrize("again", [False, True])
def test_a_run_that_is_cancelled_while_it_is_put_together_does_nothing(house: House, again: bool) -> None:
    begun = starting.begin(house, "nightly", NOW)
    if begun is not None and again:
        begun = starting.take_up(house, begun.run.id)
    assert begun is not None
    with house.store.write() as tx:
        ending.record(tx, begun.run, runs.CANCELLED, NOW, "ann", "wrong month")
    assert running.carry_out(house, begun.code, begun.run, begun.setting) == runs.CANCELLED
    with house.store.read() as conn:
        assert not runs.touched(conn, begun.run.id)
        assert [each.reason for each in runs.history(conn, begun.run.id)] == ["wrong month"]


def test_a_run_whose_code_is_gone_fails_with_the_reason(house: House) -> None:
    with house.store.write() as tx:
        run = runs.begin(
            tx, runs.NewRun(pipeline="nightly", key="k", at=START, actor="ann", cause="by hand", bundle=None)
        )
    assert starting.take_up(house, run.id) is None
    expected = f"it cannot be taken up again: the code of run {run.id} is not on record"
    assert ended(house.store)[run.id].reason == expected
