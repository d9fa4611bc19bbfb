"""The nodes of a run: maps begin a part of their elements at a time."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import argosy as ag
from argosy.engine.local import Local
from argosy.pipelines import element
from argosy.store import Store
from tests.pipelines.runs import Place


@ag.step
def tens(x: int, bad: list[int]) -> int:
    if x in bad:
        raise ValueError(f"{x} is bad")
    return 10 * x


@ag.step
def up(x: int) -> int:
    return x + 1


@ag.step
def listed(values: list[int | None]) -> list[int | None]:
    return list(values)


@ag.pipeline
def lossy(n: int, bad: list[int]) -> Any:
    return listed(up.map(tens.map(list(range(n)), bad=ag.whole(bad), keep_going=True), keep_going=True))


@ag.pipeline
def folded(n: int) -> Any:
    return larger.reduce(up.map(list(range(n))))


@ag.step
def larger(a: int, b: int) -> int:
    return max(a, b)


@pytest.fixture(scope="module")
def engine() -> Iterator[Local]:
    with Local(2) as engine:
        yield engine


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(window=st.integers(1, 6), bad=st.sets(st.integers(0, 17)), count=st.integers(0, 18))
def test_a_map_gives_the_same_however_few_of_its_elements_are_out(
    engine: Local, monkeypatch: pytest.MonkeyPatch, window: int, bad: set[int], count: int
) -> None:
    """Executed, looked up, and with elements that are lost before they begin."""
    monkeypatch.setattr(element, "WINDOW", window)
    kept = [10 * x + 1 for x in range(count) if x not in bad]
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder)) as store:
        place = Place(store, engine)
        for state in ("executed", "cached"):
            runner = place.run(lossy, n=count, bad=sorted(bad))
            lost = count - len(kept)
            assert runner.counts["failed"] == lost
            if count and not kept:
                assert runner.failed and (runner.counts["skipped"], runner.counts[state]) == (2, 0)
                continue
            assert place.results(runner) == [kept]
            assert (runner.counts["skipped"], runner.counts[state]) == (lost, 2 * len(kept) + 1)


@pytest.mark.parametrize("window", [1, 2, 5])
def test_no_more_elements_are_out_than_may_be(
    home: Path, engine: Local, monkeypatch: pytest.MonkeyPatch, window: int
) -> None:
    monkeypatch.setattr(element, "WINDOW", window)
    with Store.open(home) as store:
        place = Place(store, engine)
        runner = place.begin(folded, n=12)
        assert len(runner.advance()) == window
        assert not runner.advance()
    with Store.open(home) as store:
        assert place.results(Place(store, engine).run(folded, n=12)) == [12]
