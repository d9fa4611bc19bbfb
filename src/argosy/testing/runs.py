"""Runs of pipelines: begun, ended, claimed and paused."""

from __future__ import annotations

from datetime import timedelta

import pytest

from argosy.errors import LeaseError
from argosy.store import Store, calls, claims, leases, pauses, runs
from argosy.testing.sample import moment

_TTL = timedelta(minutes=1)


def _begin(store: Store, pipeline: str = "nightly", key: str = "k") -> runs.Run:
    new = runs.NewRun(
        pipeline=pipeline, key=key, at=moment(), actor="ann", cause="by hand", parameters={"depth": 6},
        inputs={"flights": 3}, body={"nodes": []}, due_at=moment(1),
    )  # fmt: skip
    with store.write() as tx:
        return runs.begin(tx, new)


def _begun(store: Store, *, live: bool = True) -> runs.Run:
    with store.write() as tx:
        run = runs.begin(tx, runs.NewRun(pipeline="nightly", key="k", at=moment(), actor="ann", cause="by hand"))
    if live:
        assert leases.claim(store, run.lease, "here", moment(), _TTL) is not None
    return run


class RunsConformance:
    """What is told of a run, and what runs may claim."""

    def test_a_run_is_read_back(self, store: Store) -> None:
        """By id, by key, and the newest first."""
        run = _begin(store)
        other = _begin(store, "weekly", "other")
        with store.read() as conn:
            assert runs.get(conn, run.id) == run
            assert runs.get(conn, 99) is None
            assert runs.latest(conn, limit=5) == [other, run]
            assert runs.latest(conn, limit=5, before=other.id) == [run]
            assert runs.latest(conn, "nightly") == [run]
            assert runs.of_key(conn, "k") == run

    def test_the_state_of_a_run_is_derived(self, store: Store) -> None:
        """A live lease, else the last ending, else it was interrupted."""
        run = _begin(store)

        def state(seconds: float = 0) -> str:
            with store.read() as conn:
                return runs.states(conn, [run.id], moment(seconds))[run.id]

        assert state() == "interrupted"
        lease = leases.claim(store, run.lease, "here", moment(), timedelta(seconds=60))
        assert lease is not None
        assert (state(), state(61)) == ("running", "interrupted")
        for outcome in (runs.FAILED, runs.SUCCEEDED):
            with store.write() as tx:
                runs.end(tx, [runs.NewEnding(run_id=run.id, at=moment(), outcome=outcome, actor="ann")])
            assert (state(), state(61)) == ("running", outcome)

    def test_runs_that_never_ended_are_found(self, store: Store) -> None:
        """They are to be taken up again."""
        done, left = _begin(store), _begin(store)
        with store.write() as tx:
            runs.end(tx, [runs.NewEnding(run_id=done.id, at=moment(), outcome=runs.SUCCEEDED, actor="ann")])
        with store.read() as conn:
            assert [each.id for each in runs.unended(conn)] == [left.id]
            assert runs.unended(conn, after=left.id) == []
            assert [each.id for each in runs.unended(conn, left.id, [done.id, left.id])] == [left.id]

    def test_the_last_run_of_each_pipeline_is_found(self, store: Store) -> None:
        """With the latest scheduled time of any, of what came since."""
        first, other, last = _begin(store), _begin(store, "weekly"), _begun(store, live=False)
        with store.read() as conn:
            found = {each.pipeline: each for each in runs.lately(conn)}
            assert {name: each.id for name, each in found.items()} == {"nightly": last.id, "weekly": other.id}
            assert (found["nightly"].due_at, found["nightly"].inputs) == (first.due_at, {})
            assert [each.id for each in runs.lately(conn, first.id)] == [other.id, last.id]
            assert runs.lately(conn, first.id)[1].due_at is None and runs.lately(conn, last.id) == []

    def test_runs_that_failed_since_the_last_that_succeeded_are_found(self, store: Store) -> None:
        """Of each pipeline, those that somebody began, with the last that succeeded, whoever began that."""
        told = [("a", "ann", runs.FAILED), ("a", "bob", runs.SUCCEEDED), ("a", "ann", runs.FAILED),
                ("b", "ann", runs.FAILED), ("a", "ann", runs.CANCELLED), ("a", "bob", runs.FAILED),
                ("a", "ann", runs.FAILED), ("c", "bob", runs.FAILED)]  # fmt: skip
        with store.write() as tx:
            for pipeline, actor, outcome in told:
                new = runs.NewRun(pipeline=pipeline, key="k", at=moment(), actor=actor, cause="c")
                run = runs.begin(tx, new).id
                runs.end(tx, [runs.NewEnding(run_id=run, at=moment(), outcome=outcome, actor="x", reason=f"r{run}")])
        with store.read() as conn:
            found = runs.failing(conn, "ann")
            assert [(each.id, each.run_id) for each in found] == [(2, 2), (3, 3), (4, 4), (7, 7)]
            assert (found[0].outcome, found[3].pipeline, found[3].reason) == (runs.SUCCEEDED, "a", "r7")
            assert runs.failing(conn, "ann", 2) == found[1:] and runs.failing(conn, "ann", 7) == []

    def test_the_last_word_on_a_call_counts(self, store: Store) -> None:
        """A call that failed may be done later."""
        run = _begin(store)
        told = [("fit", 0, calls.FAILED), ("fit", 1, calls.EXECUTED), ("report", calls.WHOLE, calls.SKIPPED)]
        with store.write() as tx:
            calls.add(tx, [calls.NewCall(run_id=run.id, node=n, element=e, state=s, at=moment()) for n, e, s in told])
            calls.add(tx, [calls.NewCall(run_id=run.id, node="fit", element=0, state=calls.EXECUTED, at=moment(5))])
        with store.read() as conn:
            assert [(call.node, call.element, call.state) for call in calls.of(conn, run.id)] == [
                ("fit", 1, "executed"), ("report", -1, "skipped"), ("fit", 0, "executed"),
            ]  # fmt: skip
            assert [call.element for call in calls.of(conn, run.id, node="fit", limit=1)] == [1]
            assert [call.node for call in calls.of(conn, run.id, states=["skipped"])] == ["report"]
            assert calls.counts(conn, [run.id]) == {run.id: {"fit": {"executed": 2}, "report": {"skipped": 1}}}

    def test_the_last_word_on_a_pause_counts(self, store: Store) -> None:
        """Of each pipeline."""
        with store.write() as tx:
            for paused in (True, False):
                pauses.add(tx, pauses.NewPause(pipeline="nightly", paused=paused, at=moment(), actor="ann"))
            pauses.add(tx, pauses.NewPause(pipeline="weekly", paused=True, at=moment(), actor="ann", reason="broken"))
        with store.read() as conn:
            assert {name: pause.paused for name, pause in pauses.latest(conn).items()} == {
                "nightly": False,
                "weekly": True,
            }

    def test_what_a_living_run_has_claimed_is_left_to_it(self, store: Store) -> None:
        """Until it gives it back."""
        one, two = _begun(store), _begun(store)
        with store.write() as tx:
            assert claims.take(tx, ["a", "b"], one.id, moment()) == {"a", "b"}
            assert claims.take(tx, ["a", "b", "c"], two.id, moment()) == {"c"}
            claims.release(tx, one.id, ["a"])
            assert claims.take(tx, ["a", "b"], two.id, moment()) == {"a"}
            claims.release(tx, one.id)
            assert claims.take(tx, ["b"], two.id, moment()) == {"b"}

    def test_what_a_dead_run_has_claimed_passes_on_and_its_late_results_are_refused(self, store: Store) -> None:
        """Its lease is over, and another run took the claim."""
        one, two = _begun(store), _begun(store, live=False)
        with store.write() as tx:
            assert claims.take(tx, ["a", "b"], one.id, moment()) == {"a", "b"}
        late = moment() + 2 * _TTL
        with store.write() as tx:
            assert claims.take(tx, ["a"], two.id, late) == {"a"}
        with store.write() as tx:
            claims.hold(tx, ["b"], one.id)
            claims.hold(tx, [], one.id)
        with pytest.raises(LeaseError, match="lost its claim on 1 of 2 results"), store.write() as tx:
            claims.hold(tx, ["a", "b"], one.id)

    def test_a_part_and_the_whole_of_it_are_not_claimed_by_two(self, store: Store) -> None:
        """Parts of one whole may be, each by another."""
        one, two, three = _begun(store), _begun(store), _begun(store)
        with store.write() as tx:
            assert claims.take(tx, ["a/0/2", "b"], one.id, moment()) == {"a/0/2", "b"}
            assert claims.take(tx, ["a/0/2", "a/1/2", "b/0/2"], two.id, moment()) == {"a/1/2"}
            assert claims.take(tx, ["a", "ab", "b/1/2"], three.id, moment()) == {"ab"}
            claims.release(tx, one.id)
            assert claims.take(tx, ["a", "b/1/2"], three.id, moment()) == {"b/1/2"}
            claims.release(tx, two.id)
            assert claims.take(tx, ["a"], three.id, moment()) == {"a"}
