"""Search among traces: every kind of clause, orders and pages."""

from __future__ import annotations

import pytest

from argosy.errors import UsageError
from argosy.store import Store
from argosy.store.traces import assessments, record, search, spans
from argosy.store.traces.assessments import Assessment
from argosy.store.traces.record import FAILED, RUNNING, SUCCEEDED, Trace
from argosy.store.traces.spans import Span
from argosy.store.tracking import clause, experiments
from argosy.store.tracking.changes import Hand
from argosy.store.tracking.grammar import TRACES


@pytest.fixture
def filled(store: Store, hand: Hand) -> Store:
    """Five traces, one a second: b failed in run r1, c is of spans alone, d runs, e is linked to r1."""
    with store.write() as tx:
        for place, name in enumerate("abde"):
            took = None if name == "d" else 10 * place
            state = FAILED if name == "b" else RUNNING if name == "d" else SUCCEEDED
            metadata = {"mlflow.sourceRun": "r1", "odd 'key\"": "x"} if name == "b" else {"user": name}
            told = Trace(name, 0, f"call {name}", 1000 * place, took, state, client=name * 2, metadata=metadata)
            record.put(tx, told, {"tag": name, "same": "y"} if name != "e" else {}, hand)
        body = '{"attributes":"größe 100%"}'
        spans.log(tx, 0, [Span("c", "s", None, "root", "LLM", "OK", 1_500_000_000, 1_505_000_000, body)], hand)
        record.link(tx, [record.get(tx, "e").id], "r1")
        assessments.add(tx, "a", Assessment("", "feedback", "good", "true", True, None, {}), hand)
        old = assessments.add(tx, "b", Assessment("", "feedback", "good", "true", True, None, {}), hand)
        new = Assessment("", "feedback", "good", "bad", True, old.assessment, {})
        assessments.add(tx, "b", new, hand)
        assessments.add(tx, "d", Assessment("", "expectation", "good", "true", True, None, {}), hand)
        other = experiments.create(tx, "other", hand)
        record.put(tx, Trace("z", other, "call z", 1, 1, SUCCEEDED), {}, hand)
    return store


def _names(store: Store, text: str = "", *orders: str) -> str:
    with store.read() as conn:
        found = search.page(conn, [0], clause.parse(text, TRACES), clause.orders(orders or ["request_id"], TRACES))
    assert found.next is None
    return "".join(each.trace for each in found.items)


@pytest.mark.parametrize(("text", "found"), {
    "": "abcde", "status = 'OK'": "ace", "attributes.status != 'OK'": "bd", "state IN ('ERROR', 'IN_PROGRESS')": "bd",
    "request_id = 'b'": "b", "trace.trace_id LIKE 'b%'": "b", "client_request_id = 'bb'": "b", "name = 'call a'": "a",
    "tags.`mlflow.traceName` ILIKE 'CALL%'": "abde", "tag.`mlflow.traceName` IS NULL": "", "run_id = 'r1'": "be",
    "timestamp_ms > 1000": "cde", "timestamp = 0": "a", "execution_time_ms >= 10": "be", "end_time_ms < 1010": "a",
    "tags.tag = 'a'": "a", "tags.same != 'x'": "abd", "tags.same IS NULL": "ce", "tags.same IS NOT NULL": "abd",
    "metadata.user = 'd'": "d", "request_metadata.user IS NULL": "bc", "metadata.`odd 'key\"` = 'x'": "b",
    "span.name = 'root'": "c", "span.type IN ('LLM')": "c", "span.status = 'ERROR'": "", "text LIKE '%größe%'": "c",
    "span.content ILIKE '%GR%'": "c", "feedback.good = 'true'": "a", "feedback.good = 'bad'": "b",
    "expectation.good IS NOT NULL": "d", "feedback.good IS NULL": "cde", "run_id IN ('r1') AND status = 'OK'": "e",
}.items())  # fmt: skip
def test_clauses(filled: Store, text: str, found: str) -> None:
    assert _names(filled, text) == found


@pytest.mark.parametrize(("orders", "found"), [
    (["timestamp_ms"], "abcde"), (["execution_time DESC"], "ebcad"), (["status", "name DESC"], "bdcea"),
    (["tag.tag DESC"], "dbaec"), (["metadata.user DESC"], "edacb"), (["experiment_id"], "edcba"),
    (["end_time"], "abced"), (["tag.`mlflow.traceName`"], "abdec"),
])  # fmt: skip
def test_orders_hold_over_pages(filled: Store, orders: list[str], found: str) -> None:
    assert _names(filled, "", *orders) == found
    with filled.read() as conn:
        seen, token = "", None
        for _ in "abcde":
            page = search.page(conn, [0], orders=clause.orders(orders, TRACES), limit=1, token=token)
            seen, token = seen + page.items[0].trace, page.next
    assert (seen, token) == (found, None)


def test_experiments_are_searched_together_the_newest_first(filled: Store) -> None:
    with filled.read() as conn:
        assert "".join(each.trace for each in search.page(conn, [0, 1]).items) == "edcbza"
        assert search.page(conn, []).items == []
        with pytest.raises(UsageError, match="was not given by this search"):
            search.page(conn, [0], token="x")
