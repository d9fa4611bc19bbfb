"""Runs: begun, changed, tagged, deleted and restored, with the history of each."""

from __future__ import annotations

from datetime import timedelta

import pytest

from argosy.errors import InputError, UnknownError
from argosy.store import Store
from argosy.store.codec import EPOCH
from argosy.store.tracking import changes, experiments, naming, runs, texts
from argosy.store.tracking.changes import RUN, Hand
from argosy.store.tracking.runs import NAME_TAG


def history(store: Store, run: str) -> list[tuple[str, str | None, str | None]]:
    with store.read() as conn:
        return [(each.field, each.before, each.after) for each in reversed(changes.of(conn, RUN, run))]


def test_a_run_is_begun_with_its_name_as_a_tag(store: Store, hand: Hand) -> None:
    with store.write() as tx:
        made = runs.create(tx, 0, "one", EPOCH, hand, owner="bob", tags={"a": "b"})
    with store.read() as conn:
        assert runs.get(conn, made.run) == made and made.status == runs.RUNNING and made.owner == "bob"
        assert texts.of(conn, texts.TAG, [made.id]) == {made.id: {"a": "b", NAME_TAG: "one"}}
        assert runs.some(conn, [made.id, 99]) == {made.id: made}
    assert len(made.run) == 32 and made.run[12] == "4" and history(store, made.run) == []


def test_a_run_needs_an_experiment_that_is_active(store: Store, hand: Hand) -> None:
    with store.write() as tx:
        id = experiments.create(tx, "one", hand)
        experiments.delete(tx, id, hand)
        with pytest.raises(InputError, match="must be in the 'active' state"):
            runs.create(tx, id, "one", EPOCH, hand)
        with pytest.raises(UnknownError, match="no experiment 77"):
            runs.create(tx, 77, "one", EPOCH, hand)


def test_a_change_is_kept_with_what_was_before(store: Store, hand: Hand) -> None:
    end = EPOCH + timedelta(seconds=9)
    with store.write() as tx:
        made = runs.create(tx, 0, "one", EPOCH, hand)
        new = runs.change(tx, made, hand, status=runs.SUCCEEDED, ended_at=end, name="two")
        assert runs.change(tx, new, hand, status=runs.SUCCEEDED) is new
    with store.read() as conn:
        assert runs.get(conn, made.run) == made._replace(status=runs.SUCCEEDED, ended_at=end, name="two") == new
        assert texts.of(conn, texts.TAG, [made.id])[made.id][NAME_TAG] == "two"
    assert history(store, made.run) == [
        ("status", "running", "succeeded"), ("name", "one", "two"), (f"tag:{NAME_TAG}", "one", "two"),
    ]  # fmt: skip


def test_a_tag_of_the_name_renames_the_run(store: Store, hand: Hand) -> None:
    with store.write() as tx:
        made = runs.create(tx, 0, "one", EPOCH, hand)
        runs.set_tags(tx, made, {NAME_TAG: "two", "x": "1"}, hand)
        runs.set_tags(tx, runs.get(tx, made.run), {"x": "2"}, hand)
        texts.remove(tx, made.id, "x", hand, made.run)
        with pytest.raises(UnknownError, match="No tag with name: x"):
            texts.remove(tx, made.id, "x", hand, made.run)
    with store.read() as conn:
        assert runs.get(conn, made.run).name == "two"
        assert texts.of(conn, texts.TAG, [made.id]) == {made.id: {NAME_TAG: "two"}}
    assert history(store, made.run)[-3:] == [("tag:x", "1", "2"), ("tag:x", None, "1"), ("tag:x", "2", None)]


def test_a_run_that_tells_of_what_argosy_did_is_not_written_to(store: Store, hand: Hand) -> None:
    with store.write() as tx:
        made = runs.create(tx, 0, "one", EPOCH, hand)
        own = runs.add(tx, made._replace(run=naming.of_execution(7)), hand)
        assert runs.writable(tx, made.run) == made and runs.active(tx, own.run) == own
        with pytest.raises(InputError, match="tells of what Argosy did itself"):
            runs.writable(tx, own.run)
        with pytest.raises(UnknownError, match="there is no such run"):
            runs.writable(tx, naming.of_execution(8))


def test_a_parameter_is_written_once(store: Store, hand: Hand) -> None:
    with store.write() as tx:
        made = runs.create(tx, 0, "one", EPOCH, hand)
        texts.put(tx, texts.PARAMETER, made.id, 0, {"depth": "6", "rate": "0.1"}, hand, run=made.run)
        texts.put(tx, texts.PARAMETER, made.id, 0, {"depth": "6"}, hand, run=made.run)
    with pytest.raises(InputError, match=r"value='6' for run ID=.* new value '7'"), store.write() as tx:
        texts.put(tx, texts.PARAMETER, made.id, 0, {"more": "1", "depth": "7"}, hand, run=made.run)
    with store.read() as conn:
        assert texts.of(conn, texts.PARAMETER, [made.id]) == {made.id: {"depth": "6", "rate": "0.1"}}
        assert texts.of(conn, texts.PARAMETER, [made.id], ["rate"]) == {made.id: {"rate": "0.1"}}


def test_the_trash_keeps_a_run_until_it_is_restored(store: Store, hand: Hand) -> None:
    with store.write() as tx:
        made = runs.create(tx, 0, "one", EPOCH, hand)
        runs.delete(tx, made.run, hand)
        runs.delete(tx, made.run, hand)
        with pytest.raises(InputError, match="must be in the 'active' state"):
            runs.active(tx, made.run)
        assert runs.get(tx, made.run).deleted_at == hand.at
        runs.restore(tx, made.run, hand)
        assert runs.active(tx, made.run) == made
    assert [field for field, *_ in history(store, made.run)] == ["deleted", "deleted"]
    with store.read() as conn, pytest.raises(UnknownError, match="there is no such run"):
        runs.get(conn, "../etc/passwd")
