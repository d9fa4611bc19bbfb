"""Metrics: every point is kept once however blocks are merged, and the last value is that of the largest step."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from argosy.store import Store
from argosy.store.codec import EPOCH
from argosy.store.tracking import metrics, runs
from argosy.store.tracking.changes import Hand
from argosy.store.tracking.metrics import Last, Point

values = st.one_of(st.floats(width=32), st.sampled_from([math.nan, math.inf, -math.inf, 0.0]))
points = st.builds(
    Point, st.sampled_from(["loss", "auc", "ü"]), values, st.integers(-(2**63), 2**63 - 1), st.integers(0, 2**63 - 1)
)


def plain(found: Sequence[Point]) -> list[tuple[object, ...]]:
    """Points that compare, NaN too."""
    return [(p.key, "nan" if p.value != p.value else p.value, p.step, p.at) for p in found]


def begun(store: Store, hand: Hand) -> runs.Run:
    with store.write() as tx:
        return runs.create(tx, 0, "one", EPOCH, hand)


@given(st.lists(points, min_size=1, max_size=30))
def test_a_block_holds_what_it_was_made_of(given: list[Point]) -> None:
    found = metrics.unpack(metrics.pack(given))
    assert set(found) == {point.key for point in given}
    for key, each in found.items():
        wanted = [point for point in given if point.key == key]
        assert plain([Point(key, value, step, at) for step, at, value in each]) == plain(wanted)


def test_all_points_are_read_back_whatever_blocks_were_made_of_them(store: Store, hand: Hand) -> None:
    """Single ones and batches of many keys, of two runs in turn, past several merges."""
    one, two = begun(store, hand), begun(store, hand)
    logged = [Point(f"k{n % 3}", n / 7, n, 1000 + n) for n in range(700)]
    with store.write() as tx:
        for place, point in enumerate(logged[:400]):
            metrics.log(tx, one.id, 0, [point])
            metrics.log(tx, two.id, 0, [point._replace(value=-1.0)] if place % 2 else [])
        for start in range(400, 700, 20):
            metrics.log(tx, one.id, 0, logged[start : start + 20])
    with store.read() as conn:
        for key in ("k0", "k1", "k2", "absent"):
            assert metrics.history(conn, one.id, key) == [point for point in logged if point.key == key]
        assert {point.value for point in metrics.history(conn, two.id, "k1")} == {-1.0}
        blocks = conn.exec_driver_sql(f"SELECT count(*), sum(points) FROM block WHERE run_id = {one.id}").one()
    assert blocks[1] == 700 and blocks[0] < 100


def test_the_history_is_by_time_step_and_value_and_counts_what_was_logged_twice_once(store: Store, hand: Hand) -> None:
    run = begun(store, hand)
    each = [(2.0, 1, 5), (1.0, 1, 5), (math.nan, 1, 5), (3.0, 0, 5), (9.0, 7, 1), (2.0, 1, 5), (math.nan, 1, 5)]
    with store.write() as tx:
        metrics.log(tx, run.id, 0, [Point("m", *one) for one in each])
        metrics.log(tx, run.id, 0, [Point("m", 2.0, 1, 5)])
    with store.read() as conn:
        found = plain(metrics.history(conn, run.id, "m"))
    assert found == [
        ("m", 9.0, 7, 1), ("m", 3.0, 0, 5), ("m", 1.0, 1, 5), ("m", 2.0, 1, 5), ("m", "nan", 1, 5),
    ]  # fmt: skip


def test_the_last_value_is_that_of_the_largest_step_then_time_then_value(store: Store, hand: Hand) -> None:
    @settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        st.lists(st.lists(points.map(lambda p: p._replace(key="m")), min_size=1, max_size=4), min_size=1, max_size=4)
    )
    def same(batches: list[list[Point]]) -> None:
        run = begun(store, hand)
        with store.write() as tx:
            for batch in batches:
                metrics.log(tx, run.id, 0, batch)
        with store.read() as conn:
            last = metrics.last(conn, [run.id])[run.id]["m"]
        flat = [point for batch in batches for point in batch]
        top = max((p.step, p.at) for p in flat)
        ranked = [0.0 if p.value != p.value else p.value for p in flat if (p.step, p.at) == top]
        assert (last.step, last.at) == top
        assert (0.0 if last.value != last.value else last.value) == max(ranked)

    same()


def test_no_number_counts_as_0_where_two_are_logged_at_once(store: Store, hand: Hand) -> None:
    run = begun(store, hand)
    with store.write() as tx:
        metrics.log(tx, run.id, 0, [Point("m", float("nan"), 0, 1), Point("m", 1.0, 0, 1)])
        metrics.log(tx, run.id, 0, [Point("n", -1.0, 0, 1), Point("n", float("nan"), 0, 1)])
    with store.read() as conn:
        found = metrics.last(conn, [run.id])[run.id]
    assert found["m"].value == 1.0 and found["n"].value != found["n"].value


def test_last_values_of_many_runs_are_read_at_once_and_of_some_keys_only_if_asked(store: Store, hand: Hand) -> None:
    one, two, three = (begun(store, hand) for _ in range(3))
    with store.write() as tx:
        for n, run in enumerate((one, two)):
            metrics.log(tx, run.id, 0, [Point("a", n, 1, 2), Point("b", math.inf, 3, 4)])
    ids = [one.id, two.id, three.id]
    with store.read() as conn:
        assert metrics.last(conn, ids) == {
            run.id: {"a": Last(n, 1, 2), "b": Last(math.inf, 3, 4)} for n, run in enumerate((one, two))
        }
        assert metrics.last(conn, ids, ["b", "c"]) == {run.id: {"b": Last(math.inf, 3, 4)} for run in (one, two)}


@pytest.mark.parametrize(("count", "most", "places"), [(3, 5, [0, 1, 2]), (10, 4, [0, 3, 6, 9]), (7, 1, [6])])
def test_a_sample_keeps_the_first_and_the_last(count: int, most: int, places: list[int]) -> None:
    given = [Point("m", n, n, n) for n in range(count)]
    assert metrics.sampled(given, most) == [given[place] for place in places]


def test_a_sample_is_that_of_all_points_by_step_and_time(store: Store, hand: Hand) -> None:
    @settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.lists(st.integers(-5, 40), max_size=40), st.booleans(), st.integers(1, 12), st.integers(-6, 20))
    def same(steps: list[int], rising: bool, most: int, low: int) -> None:
        run = begun(store, hand)
        ordered = sorted(set(steps)) if rising else steps
        with store.write() as tx:
            for place, step in enumerate(ordered):
                metrics.log(tx, run.id, 0, [Point("m", place / 2, step, 100 - place)])
        with store.read() as conn:
            whole = metrics.history(conn, run.id, "m")
            assert metrics.history(conn, run.id, "m", most, most + 5) == whole[most : most + 5]
            every = sorted(whole, key=lambda each: (each.step, each.at))
            assert metrics.sample(conn, run.id, "m", most) == metrics.sampled(every, most)
            within = [each for each in every if low <= each.step <= 25]
            assert metrics.sample(conn, run.id, "m", most, low, 25) == metrics.sampled(within, most)

    same()
