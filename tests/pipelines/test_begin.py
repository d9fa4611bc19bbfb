"""Which run a request is for: one that was cut off while it did the same, or a new one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import argosy as ag
from argosy.pipelines import begin
from argosy.pipelines.begin import Request
from argosy.spec.pipeline import Pipeline
from argosy.store import Store, runs
from tests.pipelines.runs import now
from tests.pipelines.works import add, inc, numbers


@ag.pipeline(name="sums")
def first(keep_going: bool = False) -> Any:
    one = inc(1)
    two = add(one, 2)
    many = inc.map(numbers(3), keep_going=keep_going)
    return {"one": one, "two": two, "many": many}


@ag.pipeline(name="sums")
def turned() -> Any:
    one = inc(1)
    two = add(one, 2)
    many = inc.map(numbers(3))
    return {"one": two, "two": one, "many": many}


@ag.pipeline(name="sums")
def fewer() -> Any:
    one = inc(1)
    add(one, 2)
    return {"one": one, "many": inc.map(numbers(3))}


@pytest.fixture
def store(home: Path) -> Iterator[Store]:
    with Store.open(home) as made:
        yield made


def begun(store: Store, pipeline: Pipeline, handler: str = "", **given: Any) -> int:
    made = begin.prepare(pipeline.trace(given), {}, {})
    asked = Request(
        pipeline=pipeline.name, parameters=given, bundle=None, cause="asked for", actor="ann", handler=handler
    )
    with store.write() as tx:
        return begin.begin(tx, asked, made, now()).id


def test_a_run_that_was_cut_off_is_taken_up_until_it_ended(store: Store) -> None:
    run = begun(store, first)
    assert begun(store, first) == run
    with store.write() as tx:
        runs.end(tx, [runs.NewEnding(run_id=run, at=now(), outcome=runs.FAILED, actor="ann")])
    assert begun(store, first) != run


def test_one_that_gives_other_results_goes_on_for_less_or_tells_another_is_a_run_of_its_own(store: Store) -> None:
    every = [
        begun(store, first), begun(store, turned), begun(store, fewer), begun(store, first, keep_going=True),
        begun(store, first, handler="5e1f"), begun(store, first, handler="a20c"),
    ]  # fmt: skip
    assert len(set(every)) == len(every)
