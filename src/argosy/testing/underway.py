"""Calls at work: what is said of them counts while the lease of their run is live."""

from __future__ import annotations

from datetime import timedelta

from argosy.store import Store, calls, leases, runs, underway
from argosy.store.leases import Lease
from argosy.store.underway import Underway
from argosy.testing.sample import moment

_TTL = timedelta(hours=30)


def _held(store: Store, at: float = 0.0) -> tuple[int, Lease]:
    """A run, and the lease that its process has."""
    with store.write() as tx:
        run = runs.begin(tx, runs.NewRun(pipeline="p", key="k", at=moment(), actor="ann", cause="by hand"))
    lease = leases.claim(store, run.lease, "one", moment(at), _TTL)
    assert lease is not None
    return run.id, lease


def _at_work(run: int, node: str, element: int, lease: Lease, at: float = 1.0) -> Underway:
    return Underway(
        run_id=run, node=node, element=element, token=lease.token, started_at=moment(at), written=12,
        tail=b"a\x00\xff\n",
    )  # fmt: skip


def _say(store: Store, run: int, *found: Underway) -> None:
    with store.write() as tx:
        underway.say(tx, run, found)


class UnderwayConformance:
    """See `StoreConformance`."""

    def test_what_is_at_work_is_what_was_said_last(self, store: Store) -> None:
        """Of one run, of one node or element of it, those that began first before the others."""
        run, lease = _held(store)
        other, its = _held(store)
        first, second = _at_work(run, "fit", 1, lease, 2.0), _at_work(run, "fit", 0, lease, 3.0)
        _say(store, other, _at_work(other, "fit", 0, its))
        _say(store, run, second, first, _at_work(run, "report", -1, lease))
        _say(store, run, second, first)
        with store.read() as conn:
            assert underway.of_run(conn, run, moment(5)) == [first, second]
            assert underway.of_run(conn, run, moment(5), node="fit", element=0) == [second]
            assert underway.of_run(conn, run, moment(5), node="report") == []
            assert len(underway.of_run(conn, other, moment(5))) == 1
        _say(store, run)
        with store.read() as conn:
            assert underway.of_run(conn, run, moment(5)) == []

    def test_a_call_that_came_to_an_end_is_not_at_work(self, store: Store) -> None:
        """Unless it began once more since."""
        run, lease = _held(store)
        _say(store, run, _at_work(run, "fit", 0, lease, 2.0), _at_work(run, "fit", 1, lease, 2.0))
        with store.write() as tx:
            told = [calls.NewCall(run_id=run, node="fit", element=each, state="failed", at=moment(at), reason="",
                                  execution_id=None) for each, at in ((0, 3.0), (1, 1.0))]  # fmt: skip
            calls.add(tx, told)
        with store.read() as conn:
            assert [each.element for each in underway.of_run(conn, run, moment(5))] == [1]

    def test_what_a_process_left_that_lost_its_lease_is_not_at_work(self, store: Store) -> None:
        """Neither once the lease is over, nor while the next owner has it."""
        run, lease = _held(store)
        _say(store, run, _at_work(run, "fit", 0, lease))
        with store.read() as conn:
            assert underway.of_run(conn, run, moment(29)) and not underway.of_run(conn, run, moment(31))
        assert leases.claim(store, lease.name, "two", moment(31), _TTL) is not None
        with store.read() as conn:
            assert underway.of_run(conn, run, moment(32)) == []
