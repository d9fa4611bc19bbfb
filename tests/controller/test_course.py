"""What came of runs, from facts that are put there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from argosy.controller import course
from argosy.errors import UnknownError
from argosy.store import Store, artifacts, calls, executions, leases, runs
from argosy.testing.sample import moment

GRAPH = (("load", ()), ("fit", ("load",)), ("big", ("load",)), ("pick", ("fit", "big")), ("say", ("pick",)))


@pytest.fixture
def store(home: Path) -> Iterator[Store]:
    with Store.open(home) as made:
        yield made


def _begin(store: Store, graph: Any = GRAPH, **more: Any) -> int:
    nodes = [{"name": name, "kind": "either" if name == "pick" else "call", "needs": needs} for name, needs in graph]
    new = runs.NewRun(
        pipeline="p", key="k", at=moment(), actor="ann", cause="by hand", parameters={"n": 1, "m": 2},
        body={"nodes": nodes, **more},
    )  # fmt: skip
    with store.write() as tx:
        return runs.begin(tx, new).id


def _land(store: Store, run: int, node: str, start: float, stop: float, state: str = calls.EXECUTED) -> None:
    done = executions.NewExecution(
        key=f"{node}{start}", kind="step", subject=f"p/{node}", started_at=moment(start), ended_at=moment(stop),
        cpu_s=stop - start, wall_s=stop - start,
    )  # fmt: skip
    with store.write() as tx:
        id = executions.record(tx, [done])[0] if state != calls.SKIPPED else None
        calls.add(tx, [calls.NewCall(run_id=run, node=node, state=state, at=moment(stop), execution_id=id)])


def _end(store: Store, run: int, at: float, outcome: str, **body: Any) -> None:
    with store.write() as tx:
        runs.end(tx, [runs.NewEnding(run_id=run, at=moment(at), outcome=outcome, actor="ann", body=body)])


def test_the_critical_path_leads_back_from_what_ended_last_through_choices(store: Store) -> None:
    run = _begin(store)
    for node, start, stop in (("load", 0, 1), ("fit", 1, 9), ("big", 1, 2), ("say", 9, 10)):
        _land(store, run, node, start, stop)
    with store.read() as conn:
        found = course.summary(conn, run, moment(20))
    assert found.critical == ["load", "fit", "say"]
    assert [step.name for step in found.steps] == ["load", "fit", "big", "pick", "say"]
    assert [step.name for step in found.steps if step.critical] == found.critical
    assert (found.cpu_s, found.wall_s) == (11.0, 11.0)


def test_what_was_skipped_is_not_waited_for(store: Store) -> None:
    run = _begin(store)
    for node, start, stop, state in (
        ("load", 0, 1, calls.EXECUTED), ("fit", 1, 3, calls.EXECUTED), ("big", 9, 9, calls.SKIPPED)
    ):  # fmt: skip
        _land(store, run, node, start, stop, state)
    with store.read() as conn:
        assert course.summary(conn, run, moment(20)).critical == ["load", "fit"]


def test_what_runs_beside_the_graph_comes_last(store: Store) -> None:
    run = _begin(store, GRAPH[:1])
    _land(store, run, "load", 0, 1)
    _land(store, run, "on_failure/alarm", 1, 2)
    with store.read() as conn:
        steps = course.summary(conn, run, moment(20)).steps
    assert [(step.name, step.needs) for step in steps] == [("load", []), ("on_failure/alarm", [])]


def test_how_long_a_run_took_is_counted_from_when_it_was_taken_up_last(store: Store) -> None:
    run = _begin(store)
    lease = leases.claim(store, f"run/{run}", "here", moment(), timedelta(hours=10))
    assert lease is not None

    def hours(at: float) -> tuple[str, float | None]:
        with store.read() as conn:
            (found,) = course.page(conn, "", moment(at)).items
        return found.state, found.took and found.took / 3600

    assert hours(4) == ("running", 4.0)
    assert hours(15) == ("interrupted", None)
    _land(store, run, "load", 0, 4)
    _end(store, run, 5, runs.FAILED)
    assert hours(15) == ("failed", 5.0)
    _land(store, run, "fit", 100, 103)
    _end(store, run, 104, runs.SUCCEEDED)
    assert hours(200) == ("succeeded", 4.0)


def test_results_tell_of_their_artifacts(store: Store) -> None:
    one, two = "1" * 64, "2" * 64
    run = _begin(store, chosen=["m"])
    many = {"items": [["value", two]] * 30}
    _end(store, run, 5, runs.SUCCEEDED, counts={"executed": 3}, results={"a": ["table", one], "b": many, "c": None})
    with store.write() as tx:
        artifacts.add(tx, [artifacts.Artifact(digest=two, kind="value", bytes=9, at=moment(), body={"kind": "value"})])
        found = course.summary(tx, run, moment(9))
    a, b, c = found.results
    assert (a.format, a.digest, a.bytes) == ("table", one, None)  # its row is gone
    assert (b.count, len(b.items), b.items[0].name, b.items[0].preview) == (30, 20, "b[0]", {"kind": "value"})
    assert (c.format, c.digest, c.count) == (None, None, None)
    assert (found.brief.counts, found.brief.chosen) == ({"executed": 3}, {"m": 2})


def test_a_run_costs_as_many_queries_however_many_calls_it_has(store: Store) -> None:
    def queries(run: int) -> int:
        asked: list[str] = []
        with store.read() as conn:
            listen = lambda *given: asked.append(given[2])  # noqa: E731 - SQLAlchemy takes any callable
            event.listen(conn.engine, "before_cursor_execute", listen)
            course.summary(conn, run, moment(20))
            course.page(conn, "", moment(20))
            event.remove(conn.engine, "before_cursor_execute", listen)
        return len(asked)

    one = _begin(store)
    _land(store, one, "load", 0, 1)
    before = queries(one)
    for node in ("fit", "big", "say"):
        _land(store, one, node, 1, 2)
    _land(store, _begin(store), "load", 0, 1)
    assert queries(one) == before


def test_a_run_that_is_not_there_is_said_with_what_is(store: Store) -> None:
    with store.read() as conn, pytest.raises(UnknownError, match="argosy run PIPELINE"):
        course.find(conn, 1)
    _begin(store)
    with store.read() as conn, pytest.raises(UnknownError, match="the last one is 1"):
        course.find(conn, 2)
