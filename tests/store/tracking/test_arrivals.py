"""Runs that arrive whole: in one transaction, as they were, with the note that they were brought."""

from __future__ import annotations

from datetime import timedelta

import pytest

from argosy.errors import ConflictError
from argosy.store import Store
from argosy.store.codec import EPOCH
from argosy.store.models import logged
from argosy.store.tracking import changes, history, imported, inputs, metrics, runs, texts
from argosy.store.tracking.arrivals import Arrival, write
from argosy.store.tracking.changes import RUN, Hand
from argosy.store.tracking.imported import Import
from argosy.store.tracking.inputs import Input, Source
from argosy.store.tracking.metrics import Last, Point, pack
from argosy.store.tracking.runs import NAME_TAG, SUCCEEDED, Run

NAME = "0" * 31 + "7"
RUN_THERE = Run(0, NAME, 0, "one", "bob", SUCCEEDED, EPOCH, EPOCH + timedelta(seconds=9), None)
POINTS = [Point("loss", float(step), step, step) for step in range(3000)]
GIVEN = Arrival(
    RUN_THERE, {"depth": "6"}, {"team": "ops"}, [pack(POINTS[:2500]), pack([*POINTS[2500:], Point("auc", 0.5, 0, 7)])],
    [Input(Source("flights", "1f", "local", "x.csv"), {"a": "b"})], [("m-1", 0)], [("m-2", 3)], "1f", "where it was",
)  # fmt: skip


def test_a_run_arrives_as_it_was(store: Store, hand: Hand) -> None:
    with store.write() as tx:
        made = write(tx, GIVEN, hand)
    with store.read() as conn:
        assert runs.named(conn, [NAME, "x"]) == {NAME: RUN_THERE._replace(id=made.id)} == {NAME: made}
        assert texts.of(conn, texts.PARAMETER, [made.id]) == {made.id: {"depth": "6"}}
        assert texts.of(conn, texts.TAG, [made.id]) == {made.id: {"team": "ops", NAME_TAG: "one"}}
        assert metrics.history(conn, made.id, "loss") == POINTS
        assert metrics.last(conn, [made.id]) == {made.id: {"auc": Last(0.5, 0, 7), "loss": Last(2999.0, 2999, 2999)}}
        assert metrics.counted(conn, [made.id, made.id + 1]) == {made.id: 3001}
        assert inputs.of(conn, [made.id]) == {made.id: list(GIVEN.inputs)}
        assert logged.flows(conn, [made.id]) == {made.id: [("in", "m-1", 0), ("out", "m-2", 3)]}
        assert imported.of(conn, [NAME]) == {NAME: Import("1f", False)}


def test_its_history_tells_where_it_came_from(store: Store, hand: Hand) -> None:
    with store.write() as tx:
        write(tx, GIVEN, hand)
    with store.read() as conn:
        (brought,) = changes.of(conn, RUN, NAME)
        assert (brought.actor, brought.field, brought.after) == ("ann", "imported", "where it was")
        told = {each.field for each in history.of_run(conn, NAME)}
    assert told == {"imported", "created", "parameter:depth", "tag:team", f"tag:{NAME_TAG}"}


def test_a_name_is_taken_once_and_nothing_of_the_second_lands(store: Store, hand: Hand) -> None:
    with store.write() as tx:
        write(tx, GIVEN, hand)
    with pytest.raises(ConflictError), store.write() as tx:
        write(tx, GIVEN._replace(content="2f"), hand)
    with store.read() as conn:
        assert imported.of(conn, [NAME]) == {NAME: Import("1f", False)}
        assert len(changes.of(conn, RUN, NAME)) == 1
