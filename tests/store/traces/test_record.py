"""Traces: told of once or twice, tagged, linked to runs, and deleted with all that belongs to them."""

from __future__ import annotations

import pytest

from argosy.errors import InputError, UnknownError
from argosy.store import Store
from argosy.store.traces import assessments, record, spans
from argosy.store.traces.assessments import Assessment
from argosy.store.traces.record import RUNNING, SUCCEEDED, Trace
from argosy.store.traces.spans import Span
from argosy.store.tracking import changes, experiments, files, labels, runs
from argosy.store.tracking.changes import TRACE, Hand

TOLD = Trace("tr-1", 0, "ask", 1000, 20, SUCCEEDED, "in", "out", "c1", {"mlflow.user": "ü"})


def _span(name: str, trace: str = "tr-1") -> Span:
    return Span(trace, name, None, name, "CHAIN", "OK", 5_000_000, 9_000_000, "{}")


def test_a_trace_is_as_it_was_told(store: Store, hand: Hand) -> None:
    with store.write() as tx:
        made = record.put(tx, TOLD, {"a": "1"}, hand)
    with store.read() as conn:
        assert record.get(conn, "tr-1") == made == TOLD._replace(id=made.id)
        assert labels.of(conn, TRACE, ["tr-1"]) == {"tr-1": {"a": "1"}}
        with pytest.raises(UnknownError, match="ID 'tr-2' not found"):
            record.get(conn, "tr-2")


def test_what_is_told_later_is_added(store: Store, hand: Hand) -> None:
    with store.write() as tx:
        begun = Trace("tr-1", 0, "ask", 1000, None, RUNNING, "in", metadata={"a": "1", "b": "1"})
        first = record.put(tx, begun, {"t": "1"}, hand)
        ended = begun._replace(took_ms=5, state=SUCCEEDED, request=None, response="out", metadata={"b": "2"})
        again = record.put(tx, ended._replace(name=None), {"u": "2"}, hand)
        assert record.get(tx, "tr-1") == again
        assert labels.of(tx, TRACE, ["tr-1"]) == {"tr-1": {"t": "1", "u": "2"}}
    assert (again.id, again.name, again.request, again.response) == (first.id, "ask", "in", "out")
    assert (again.metadata, again.took_ms, again.state) == ({"a": "1", "b": "2"}, 5, SUCCEEDED)


def test_a_trace_needs_an_experiment_that_is_active(store: Store, hand: Hand) -> None:
    with store.write() as tx:
        id = experiments.create(tx, "gone", hand)
        experiments.delete(tx, id, hand)
        with pytest.raises(InputError, match="is deleted"):
            record.put(tx, TOLD._replace(experiment_id=id), {}, hand)
        with pytest.raises(UnknownError, match="no experiment 9"):
            record.put(tx, TOLD._replace(experiment_id=9), {}, hand)


def test_tags_and_names_change_and_it_is_told_who_did_it(store: Store, hand: Hand) -> None:
    with store.write() as tx:
        record.put(tx, TOLD, {}, hand)
        record.set_tag(tx, "tr-1", "a", "1", hand)
        record.set_tag(tx, "tr-1", "mlflow.traceName", "other", hand)
        record.delete_tag(tx, "tr-1", "a", hand)
        with pytest.raises(UnknownError, match="no tag 'a'"):
            record.delete_tag(tx, "tr-1", "a", hand)
        past = [(each.actor, each.field, each.before, each.after) for each in changes.of(tx, TRACE, "tr-1")]
        assert record.get(tx, "tr-1").name == "other"
    assert past == [("ann", "tag:a", "1", None), ("ann", "tag:a", None, "1"), ("ann", "name", "ask", "other")]


def test_what_is_deleted_is_gone_with_its_spans_tags_and_files(store: Store, hand: Hand) -> None:
    with store.write() as tx:
        for number in range(1, 5):
            record.put(tx, TOLD._replace(trace=f"tr-{number}", at_ms=number), {"a": "1"}, hand)
        spans.log(tx, 0, [_span("s", f"tr-{number}") for number in range(1, 5)], hand)
        opinion = Assessment("", "feedback", "good", "true", True, None, {})
        assessments.add(tx, "tr-1", opinion, hand)
        files.put(tx, "0/traces/tr-1/artifacts/traces.json", "d" * 64, 1, hand, b"x")
        other = experiments.create(tx, "other", hand)
        assert record.delete(tx, other, hand, until_ms=9) == 0
        assert record.delete(tx, 0, hand, names=["tr-1", "tr-9"]) == 1
        assert record.delete(tx, 0, hand, until_ms=3, limit=1) == 1
        assert sorted(record.some(tx, [f"tr-{number}" for number in range(1, 5)])) == ["tr-3", "tr-4"]
        assert files.below(tx, "0/traces") == {}
        assert labels.of(tx, TRACE, ["tr-1", "tr-3"]) == {"tr-3": {"a": "1"}}
        assert [each.field for each in changes.of(tx, TRACE, "tr-1")] == ["deleted"]


def test_traces_are_linked_to_runs_that_are(store: Store, hand: Hand) -> None:
    with store.write() as tx:
        record.put(tx, TOLD, {}, hand)
        run = runs.create(tx, 0, "r", hand.at, hand).run
        record.attach(tx, ["tr-1", "tr-9"], run)
        record.attach(tx, ["tr-1"], run)
        with pytest.raises(UnknownError, match="no such run"):
            record.attach(tx, ["tr-1"], "nothing")
