"""Spans: they make up a trace that nobody told of, and leave alone one that somebody did."""

from __future__ import annotations

import msgspec

from argosy.store import Store
from argosy.store.traces import record, spans
from argosy.store.traces.record import FAILED, RUNNING, SUCCEEDED, Trace
from argosy.store.traces.spans import Span
from argosy.store.tracking.changes import Hand

ROOT = Span("tr-1", "a", None, "ask", "CHAIN", "OK", 2_000_000, 7_900_000, '{"name":"ask"}', "in", "out")
CHILD = Span("tr-1", "b", "a", "call", "LLM", "ERROR", 3_000_000, 4_000_000, '{"name":"call"}')


def test_a_trace_is_made_of_its_spans_as_they_come(store: Store, hand: Hand) -> None:
    with store.write() as tx:
        (first,) = spans.log(tx, 0, [CHILD], hand)
        (second,) = spans.log(tx, 0, [ROOT], hand)
        (third,) = spans.log(tx, 0, [CHILD._replace(body='{"name":"late"}')], hand)
        bodies = spans.of(tx, [third])[third.id]
    assert (first.at_ms, first.took_ms, first.state, first.spanned) == (3, None, RUNNING, True)
    assert second == third == Trace("tr-1", 0, "ask", 2, 5, SUCCEEDED, "in", "out", None, {}, True, first.id)
    assert [msgspec.json.decode(each) for each in bodies] == [{"name": "ask"}, {"name": "late"}]


def test_traces_that_were_told_of_stay_as_they_were_told(store: Store, hand: Hand) -> None:
    with store.write() as tx:
        told = record.put(tx, Trace("tr-1", 0, "told", 1, 99, FAILED), {}, hand)
        (found,) = spans.log(tx, 0, [ROOT, CHILD], hand)
    assert found == told._replace(spanned=True)


def test_what_is_told_takes_the_place_of_what_spans_say(store: Store, hand: Hand) -> None:
    with store.write() as tx:
        spans.log(tx, 0, [ROOT], hand)
        record.put(tx, Trace("tr-1", 0, "told", 1, 99, FAILED), {}, hand)
        (found,) = spans.log(tx, 0, [ROOT], hand)
    assert (found.name, found.at_ms, found.took_ms, found.state, found.spanned) == ("told", 1, 99, FAILED, True)


def test_a_root_that_failed_or_runs_says_so(store: Store, hand: Hand) -> None:
    given = [ROOT._replace(status="ERROR"), ROOT._replace(trace="tr-2", end_ns=None)]
    with store.write() as tx:
        found = {each.trace: (each.state, each.took_ms) for each in spans.log(tx, 0, given, hand)}
    assert found == {"tr-1": (FAILED, 5), "tr-2": (RUNNING, None)}
