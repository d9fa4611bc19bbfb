"""Items of lists are told by what they are."""

from __future__ import annotations

import hashlib
from datetime import date

from argosy.console import item
from argosy.pipelines.formats.sink import Sink
from argosy.pipelines.formats.value import Value, items
from argosy.store import Store, artifacts, calls, executions
from tests.console import sailed


def test_an_item_of_a_list_that_a_step_gave_is_told(sea: Store) -> None:
    with sea.read() as conn:
        made = [call.execution_id or 0 for call in calls.of(conn, 2, node="score")]
        told = [run.parameters["arguments"]["part"] for run in executions.get(conn, made).values()]
        assert sorted(item.texts(conn, sea, 2, told).values()) == ["0", "1", "2", "3", "4"]
        assert (
            item.texts(conn, sea, 2, [{**told[0], "from": "load"}, {"value": 3}, {"content": "value:x", "from": ""}])
            == {}
        )


def test_what_is_no_plain_value_is_not_told_and_what_is_long_is_cut(store: Store) -> None:
    run, _ = sailed.depart(store)
    given = ["x" * 999, date(2026, 1, 1), [1, "a"], "<b>"]
    sink = Sink(store.blobs)
    Value().save(given, sink)
    saved = sink.finish()
    assert saved.data is not None
    with store.write() as tx:
        artifacts.add(tx, [artifacts.Artifact(digest=saved.digest, kind="value", bytes=saved.bytes, at=sailed.now(),
                                              data=saved.data)])  # fmt: skip
        (id,) = executions.record(tx, [
            executions.NewExecution(key="k", kind="step", subject="tide/first", started_at=sailed.now(),
                                    ended_at=sailed.now(), parameters={"outputs": [["value", saved.digest]]})
        ])  # fmt: skip
        calls.add(tx, [calls.NewCall(run_id=run.id, node="first", state="executed", at=sailed.now(), execution_id=id)])
    told = [
        {"content": f"value:{hashlib.sha256(each).hexdigest()}", "from": "first"} for each in items(saved.data) or ()
    ]
    with store.read() as conn:
        found = item.texts(conn, store, run.id, [*told, {"content": "value:other", "from": "first"}])
    assert [found.get(each["content"]) for each in told] == [f'"{"x" * (item.LETTERS - 2)}…', None, '[1,"a"]', '"<b>"']
    assert len(found) == 3
