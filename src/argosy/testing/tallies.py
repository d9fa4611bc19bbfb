"""What is summed up of runs: counts, times and costs of their nodes, their logs, their metrics."""

from __future__ import annotations

from datetime import datetime

from argosy.store import Store, artifacts, calls, edges, executions, logs, runs, tallies
from argosy.testing.sample import moment

_ONE, _TWO = "1" * 64, "2" * 64


def _run(store: Store) -> int:
    with store.write() as tx:
        return runs.begin(tx, runs.NewRun(pipeline="p", key="k", at=moment(), actor="ann", cause="by hand")).id


def _execution(at: float, wall: float = 2.0, outcome: str = executions.SUCCEEDED) -> executions.NewExecution:
    return executions.NewExecution(
        key=f"{at}", kind="step", subject="p/fit", started_at=moment(at), ended_at=moment(at + wall), outcome=outcome,
        cpu_s=1.5, wall_s=wall, peak_bytes=int(100 + at), metrics={"auc": at} if at else {},
    )  # fmt: skip


def _call(run: int, node: str, state: str, at: float, element: int = -1, execution: int | None = None) -> calls.NewCall:
    reason = f"{node} broke" if state == calls.FAILED else ""
    return calls.NewCall(
        run_id=run, node=node, state=state, at=moment(at), element=element, execution_id=execution, reason=reason
    )


def _mapped(store: Store) -> int:
    """A run whose `fit` did two of three elements, one of them made before, and failed at the third."""
    run = _run(store)
    with store.write() as tx:
        ids = executions.record(tx, [_execution(0), _execution(5), _execution(6, outcome=executions.FAILED)])
        artifacts.add(tx, [artifacts.Artifact(digest=_ONE, kind="value", bytes=40, at=moment())])
        artifacts.add(tx, [artifacts.Artifact(digest=_TWO, kind="log", bytes=7, at=moment(), data=b"written")])
        edges.add(tx, [edges.Edge(execution_id=ids[1], direction="out", kind="artifact", reference=_ONE)])
        edges.add(tx, [edges.Edge(execution_id=id, direction="out", kind="log", reference=_TWO) for id in ids])
        calls.add(tx, [_call(run, "fit", calls.CACHED, 4, 0, ids[0]), _call(run, "fit", calls.EXECUTED, 7, 1, ids[1])])
        calls.add(tx, [_call(run, "fit", calls.FAILED, 8, 2, ids[2]), _call(run, "report", calls.SKIPPED, 8)])
    return run


def _began(at: datetime) -> tallies.Span:
    return tallies.Span(started_at=at, ended_at=at, count=1, cached=1, failed=0)


class TalliesConformance:
    """What came of the nodes of a run, in a constant number of queries."""

    def test_a_node_has_counts_times_and_the_cost_of_what_was_executed(self, store: Store) -> None:
        """What was cached costs nothing; what failed does."""
        run = _mapped(store)
        with store.read() as conn:
            found = tallies.of(conn, run)
        fit = found["fit"]
        assert fit.counts == {"cached": 1, "executed": 1, "failed": 1}
        assert (fit.started_at, fit.ended_at) == (moment(4), moment(8))
        assert (fit.cpu_s, fit.wall_s, fit.peak_bytes, fit.bytes) == (3.0, 4.0, 106, 40)
        assert fit.failure is not None and (fit.failure.element, fit.failure.reason) == (2, "fit broke")
        assert found["report"].counts == {"skipped": 1} and found["report"].cpu_s == 0

    def test_a_failure_that_was_made_good_is_none_and_is_paid_for(self, store: Store) -> None:
        """The last word on a call counts, and the cost of all."""
        run = _mapped(store)
        with store.write() as tx:
            (id,) = executions.record(tx, [_execution(20)])
            calls.add(tx, [_call(run, "fit", calls.EXECUTED, 23, 2, id)])
            fit = tallies.of(tx, run)["fit"]
            assert [each.element for each in calls.superseded(tx, run, calls.FAILED)] == [2]
        assert (fit.counts, fit.failure) == ({"cached": 1, "executed": 2}, None)
        assert (fit.ended_at, fit.cpu_s) == (moment(22), 4.5)

    def test_what_was_said_of_a_whole_node_counts_until_its_elements_have_their_word(self, store: Store) -> None:
        """As of a map over what failed at first, was tried again, and is there now."""
        run = _run(store)
        with store.write() as tx:
            calls.add(tx, [_call(run, "fit", calls.FAILED, 1), _call(run, "report", calls.SKIPPED, 1)])
            before = {each.node: each.state for each in calls.of(tx, run)}
            calls.add(tx, [_call(run, "fit", calls.EXECUTED, 2, element) for element in range(2)])
            assert calls.counts(tx, [run])[run] == {"fit": {"executed": 2}, "report": {"skipped": 1}}
            assert [each.element for each in calls.ranked(tx, run, "fit", limit=9)] == [0, 1]
            assert [each.element for each in calls.superseded(tx, run, calls.FAILED)] == [calls.WHOLE]
            fit = tallies.of(tx, run)["fit"]
        assert before == {"fit": "failed", "report": "skipped"}
        assert (fit.counts, fit.failure) == ({"executed": 2}, None)

    def test_calls_lie_in_time_one_by_one_or_in_groups(self, store: Store) -> None:
        """As many as are asked for at most."""
        run = _mapped(store)
        with store.read() as conn:
            single = tallies.spans(conn, run)
            few = tallies.spans(conn, run, most=2)
        assert list(single) == ["fit"]
        assert single["fit"][0] == _began(moment(4)) and [each.failed for each in single["fit"]] == [0, 0, 1]
        assert [(each.started_at, each.ended_at) for each in single["fit"][1:]] == [
            (moment(5), moment(7)), (moment(6), moment(8)),
        ]  # fmt: skip
        assert [(each.count, each.cached, each.failed) for each in few["fit"]] == [(2, 1, 0), (1, 0, 1)]

    def test_a_run_without_calls_has_none(self, store: Store) -> None:
        """No node, no time."""
        run = _run(store)
        with store.read() as conn:
            assert not any((tallies.of(conn, run), tallies.spans(conn, run), tallies.metrics(conn, run)))

    def test_metrics_are_those_of_what_was_used(self, store: Store) -> None:
        """By node and element; an execution that logged none is left out."""
        run = _mapped(store)
        with store.read() as conn:
            assert tallies.metrics(conn, run) == {("fit", 1): {"auc": 5.0}, ("fit", 2): {"auc": 6.0}}

    def test_a_run_that_was_continued_began_anew_with_what_it_did_then(self, store: Store) -> None:
        """Not with what had begun before and landed late."""
        run, whole = _mapped(store), _mapped(store)
        with store.write() as tx:
            runs.end(
                tx, [runs.NewEnding(run_id=id, at=moment(9), outcome=runs.CANCELLED, actor="a") for id in (run, whole)]
            )
            late, again = executions.record(tx, [_execution(8), _execution(50)])
            calls.add(tx, [_call(run, "late", calls.EXECUTED, 10, execution=late)])
            calls.add(tx, [_call(run, "fit", calls.EXECUTED, 53, 2, again)])
            assert tallies.continued(tx, [run, whole], [run]) == {run: moment(50)}
            assert tallies.continued(tx, [run, whole], []) == {}
            runs.end(tx, [runs.NewEnding(run_id=run, at=moment(60), outcome=runs.SUCCEEDED, actor="a")])
            assert tallies.continued(tx, [run, whole], []) == {run: moment(50)}

    def test_logs_are_those_of_what_was_used(self, store: Store) -> None:
        """Of cached calls too; by node, element, failure and what came since."""
        run = _mapped(store)
        with store.read() as conn:
            found = logs.of_run(conn, run)
            assert [(each.element, each.digest, each.bytes) for each in found] == [(n, _TWO, 7) for n in range(3)]
            assert [each.element for each in logs.of_run(conn, run, failed=True)] == [2]
            assert [each.element for each in logs.of_run(conn, run, node="fit", element=1)] == [1]
            assert [each.element for each in logs.of_run(conn, run, after=found[1].id)] == [2]
            assert logs.of_run(conn, run, node="report") == []

    def test_artifacts_are_found_by_how_their_digests_begin(self, store: Store) -> None:
        """Two where a beginning fits several."""
        _mapped(store)
        with store.read() as conn:
            assert [each.digest for each in artifacts.starting(conn, "11", 2)] == [_ONE]
            assert [each.digest for each in artifacts.starting(conn, "", 5)] == [_ONE, _TWO]
            assert artifacts.starting(conn, "3", 2) == []
