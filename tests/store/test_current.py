"""What the paths that handle a fleet cost, in CPU seconds, twice over for a busy machine; the best of a few runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from argosy.store import Store, members, resources, rollouts, routes, signals
from argosy.testing.sample import moment, train

pytestmark = pytest.mark.slow

FLEET = "late"
KEYS = [f"m{number:05}" for number in range(10_000)]
NAMES = [f"signal{number}" for number in range(8)]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """10,000 members with three versions, two rollouts and two values of eight signals each."""
    with Store.open(tmp_path_factory.mktemp("home")) as store:
        for hour in range(3):
            with store.write() as tx:
                made = train(tx, FLEET, KEYS, hours=hour)
        for state in ("started", "finished"):
            with store.write() as tx:
                new = [
                    rollouts.NewRollout(
                        fleet=FLEET, member_id=v.member_id, version_id=v.id, kind="canary", state=state, at=v.at
                    )
                    for v in made
                ]
                rollouts.record(tx, new)
                values = [
                    signals.NewSignal(fleet=FLEET, member_id=v.member_id, name=name, value=0.25, at=v.at)
                    for v in made
                    for name in NAMES
                ]
                signals.record(tx, values)
        yield store


def _best(work: Callable[[], object], runs: int = 5) -> float:
    taken = []
    for _ in range(runs):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return min(taken)


def test_observing_ten_thousand_members(store: Store) -> None:
    with store.read() as conn:
        assert _best(lambda: members.table(conn, FLEET)) <= 2 * 0.06
        assert _best(lambda: signals.latest(conn, FLEET)) <= 2 * 0.04
        assert _best(lambda: routes.table(conn, FLEET)) <= 2 * 0.1


def test_a_page_of_ten_thousand_members(store: Store) -> None:
    with store.read() as conn:
        assert _best(lambda: resources.page(conn, "members", "fleet:late failures:0")) <= 2 * 0.005
        assert _best(lambda: resources.page(conn, "fleets")) <= 2 * 0.01


def test_recording_a_thousand_versions(store: Store) -> None:
    def record() -> None:
        with store.write() as tx:
            train(tx, FLEET, KEYS[:1000], hours=time.monotonic())

    assert _best(record) <= 2 * 0.1


def test_joining_a_thousand_members(store: Store) -> None:
    fleets = iter(range(100))

    def join() -> None:
        with store.write() as tx:
            members.ensure(tx, f"fleet{next(fleets)}", KEYS[:1000], moment())

    assert _best(join) <= 2 * 0.02
