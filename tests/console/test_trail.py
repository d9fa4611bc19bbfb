from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from argosy.console.trail import daily, logged
from argosy.store import Store
from argosy.store.signals import Signal
from argosy.store.tracking import experiments, metrics, runs
from argosy.store.tracking.metrics import Point
from tests.console import tracks

START = datetime(2013, 4, 1, tzinfo=UTC)
DAY = timedelta(days=1)
changes = st.lists(st.tuples(st.integers(0, 30 * 24), st.floats(0, 99)), unique_by=lambda each: each[0], min_size=1)


def signals(values: list[tuple[datetime, float]]) -> list[Signal]:
    """Newest first, as the store gives them."""
    made = [
        Signal(id=place, fleet="f", member_id=1, name="served", value=value, at=at)
        for place, (at, value) in enumerate(sorted(values))
    ]
    return made[::-1]


@given(changes, st.integers(1, 40))
def test_every_day_has_the_value_that_was_in_force(values: list[tuple[int, float]], days: int) -> None:
    known = sorted((START + timedelta(hours=hours), value) for hours, value in values)
    now = START + 31 * DAY
    found = daily(signals(known), now, days)
    first = max(known[0][0], now - (days - 1) * DAY)
    assert [day for day, _ in found] == [first + place * DAY for place in range((now - first) // DAY + 1)]
    assert [value for _, value in found] == [[v for at, v in known if at <= day][-1] for day, _ in found]


def test_a_member_that_never_answered_has_no_days() -> None:
    assert daily([], START) == []


def test_a_value_of_this_moment_is_one_day() -> None:
    assert daily(signals([(START, 3.0)]), START) == [(START, 3.0)]


def test_whatever_is_logged_or_changed_is_seen(store: Store) -> None:
    seen = []

    def look() -> None:
        with store.read() as conn:
            seen.append(logged(conn))

    look()
    with store.write() as tx:
        id = experiments.create(tx, "trials", tracks.HAND)
    look()
    with store.write() as tx:
        run = runs.create(tx, id, "first", tracks.NOW, tracks.HAND)
    look()
    with store.write() as tx:
        metrics.log(tx, run.id, id, [Point("loss", 1.0, 0, 0)])
    look()
    with store.write() as tx:
        runs.change(tx, run, tracks.HAND, status=runs.SUCCEEDED)
    look()
    look()
    assert len(set(seen)) == 5 and seen[-1] == seen[-2]
