"""What is known of pipelines: read on from where it was read, it is what reading all of it gives."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from argosy.controller import ending
from argosy.controller.almanac import Almanac, Entry
from argosy.pipelines import begin
from argosy.spec.trigger import After, Event
from argosy.store import datasets, events, pauses, runs
from argosy.store.store import Store
from argosy.testing.sample import ingest
from tests.controller.timetable import NIGHTLY, START, declare, spoil

MANY = (
    NIGHTLY
    + """
@ag.pipeline(on=[ag.after("nightly"), ag.event("promoted"), ag.new_version("flights")])
def report():
    return tell("a")
"""
)


@pytest.fixture
def store(home: Path, tmp_path: Path) -> Iterator[Store]:
    with Store.open(home) as made:
        declare(made, tmp_path / "p", MANY)
        yield made


def read(store: Store, almanac: Almanac) -> dict[str, Entry]:
    with store.read() as conn:
        return {each.pipeline.name: each for each in almanac.read(conn)}


def started(store: Store, pipeline: str, **known: Any) -> runs.Run:
    new = runs.NewRun(pipeline=pipeline, key="k", at=START, actor="ann", cause="by hand", **known)
    with store.write() as tx:
        run = runs.begin(tx, new)
        begin.tell(tx, run)
    return run


def ended(store: Store, run: runs.Run) -> None:
    with store.write() as tx:
        ending.record(tx, run, runs.SUCCEEDED, START, "ann")


def happen(store: Store, kind: str, subject: str) -> int:
    new = events.NewEvent(at=START, kind=kind, subject=subject, actor="ann", message=kind)
    with store.write() as tx:
        return events.add(tx, [new])[0]


def test_what_is_read_on_is_what_is_read_at_once(store: Store, tmp_path: Path) -> None:
    almanac = Almanac()
    assert {name: each.since for name, each in read(store, almanac).items()} == {"nightly": START, "report": START}
    run = started(store, "nightly", due_at=START, parameters={"span": "2013-01-01/2013-01-02"})
    before = read(store, almanac)["nightly"]
    assert (before.under_way, before.stop) == ((run.id,), START + timedelta(days=1))
    range = {"start": "2013-02-01", "stop": "2013-02-28", "by": "day"}
    other = started(store, "nightly", parameters={"span": range}, inputs={"flights": "flights@3"})
    ended(store, run)
    happen(store, "promoted", "late")
    last = happen(store, "promoted", "late/JFK")
    with store.write() as tx:
        datasets.commit(tx, ingest("flights", "january"))
        pauses.add(tx, pauses.NewPause(pipeline="report", paused=True, at=START, actor="ann"))
    found = read(store, almanac)
    assert found == read(store, Almanac())
    nightly, report = found["nightly"], found["report"]
    assert (nightly.last, nightly.stop) == (START, datetime(2013, 3, 1, tzinfo=UTC))
    assert (nightly.under_way, nightly.read, nightly.paused) == ((other.id,), {"flights": 3}, False)
    assert report.paused and report.versions == {"flights": 1}
    assert report.happened[Event("promoted")][0].id == last
    assert report.happened[After("nightly")][1] == run.id
    ended(store, other)
    started(store, "report")
    found = read(store, almanac)
    assert found["nightly"].under_way == () and found["report"].began > last
    assert almanac.unended[0].pipeline == "report"


def test_other_code_moves_no_schedule_and_another_schedule_begins_now(store: Store, tmp_path: Path) -> None:
    almanac, later = Almanac(), START + timedelta(days=3)
    declare(store, tmp_path / "p", MANY.replace('tell("a")', 'tell("b")'), later)
    assert read(store, almanac)["report"].since == START
    declare(store, tmp_path / "p", MANY.replace("0 6", "0 7"), later)
    assert (read(store, almanac)["nightly"].since, read(store, almanac)["report"].since) == (later, START)
    declare(store, tmp_path / "p", NIGHTLY, later)
    assert set(read(store, almanac)) == {"nightly"}


def test_what_runs_had_for_a_span_before_it_was_one_is_no_stop(store: Store) -> None:
    started(store, "nightly", parameters={"span": "day"})
    assert read(store, Almanac())["nightly"].stop is None
    started(store, "nightly", parameters={"span": {"start": "2013-01-01", "width": 3}})
    assert read(store, Almanac())["nightly"].stop is None
    started(store, "nightly", parameters={"span": {"start": "2013-01-01", "stop": "2012-01-01", "by": "day"}})
    assert read(store, Almanac())["nightly"].stop is None


def test_a_declaration_that_cannot_be_read_leaves_the_others(store: Store) -> None:
    almanac = Almanac()
    spoil(store, "nightly")
    assert set(read(store, almanac)) == {"report"}
    assert "Mars/Olympus" in str(almanac.unread["nightly"])
    assert set(read(store, almanac)) == {"report"} and set(almanac.unread) == {"nightly"}


def test_a_look_takes_as_many_queries_however_many_pipelines_there_are(store: Store, tmp_path: Path) -> None:
    seen: list[str] = []

    def note(conn: Any, cursor: Any, statement: str, *rest: Any) -> None:
        seen.append(statement)

    def count(almanac: Almanac) -> int:
        seen.clear()
        event.listen(Engine, "before_cursor_execute", note)
        try:
            read(store, almanac)
        finally:
            event.remove(Engine, "before_cursor_execute", note)
        return len(seen)

    few, many = Almanac(), Almanac()
    started(store, "nightly")
    read(store, few)
    before = count(few)
    text = "".join(MANY.replace("def nightly", f"def n{i}").replace("def report", f"def r{i}") for i in range(20))
    declare(store, tmp_path / "p", text)
    for i in range(20):
        ended(store, started(store, f"n{i}"))
    read(store, many)
    assert count(many) <= before <= 8
