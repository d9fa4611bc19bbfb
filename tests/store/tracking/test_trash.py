"""The trash: what is in it long enough goes for good, with its bytes; nothing else does."""

from __future__ import annotations

import hashlib
import os
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from argosy.errors import UnknownError
from argosy.store import Store, artifacts, edges, executions
from argosy.store.codec import EPOCH
from argosy.store.models import aliases, registered, versions
from argosy.store.traces import record
from argosy.store.traces.record import Trace
from argosy.store.tracking import changes, experiments, files, inputs, metrics, runs, search, texts, trash
from argosy.store.tracking.changes import EXPERIMENT, MODEL, RUN, Hand
from argosy.store.tracking.inputs import Input, Source
from argosy.store.tracking.metrics import Point

DAY = timedelta(days=1)
SMALL, LARGE = b"small", b"large" * 10_000


def filled(store: Store, hand: Hand, experiment: int) -> runs.Run:
    """A run with something of everything."""
    with store.write() as tx:
        run = runs.create(tx, experiment, "one", EPOCH, hand, tags={"a": "1"})
        runs.set_tags(tx, run, {"a": "2"}, hand)
        metrics.log(tx, run.id, experiment, [Point("m", 1.0, 0, 0)])
        inputs.log(tx, run.id, experiment, [Input(Source("d", "1", "local", "x"), {})])
        folder = f"{experiment}/{run.run}/artifacts"
        files.put(tx, f"{folder}/small", hashlib.sha256(SMALL).hexdigest(), len(SMALL), hand, SMALL)
        files.put(tx, f"{folder}/f/large", store.blobs.put(LARGE), len(LARGE), hand)
    return run


def age(store: Store, data: bytes, at: datetime) -> None:
    path = store.blobs.path(hashlib.sha256(data).hexdigest())
    os.utime(path, (at.timestamp(), at.timestamp()))


def rows(store: Store) -> dict[str, int]:
    tables = ("tracked", "metric", "block", "parameter", "tag", "intake", "file", "artifact", "orphan")
    with store.read() as conn:
        return {name: conn.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar_one() for name in tables}


def test_a_run_is_there_until_the_retention_is_over_and_then_gone_with_its_bytes(store: Store, hand: Hand) -> None:
    run = filled(store, hand, 0)
    with store.write() as tx:
        runs.delete(tx, run.run, hand)
    age(store, LARGE, hand.at)
    assert not trash.purge(store, hand.at + 29 * DAY).any
    done = trash.purge(store, hand.at + 31 * DAY)
    assert (done.runs, done.files, done.artifacts) == (1, 2, 0)  # bytes wait, lest a file that lands now needs them
    assert trash.purge(store, hand.at + 32 * DAY) == trash.Purged(artifacts=2, bytes=len(SMALL) + len(LARGE))
    assert set(rows(store).values()) == {0} and not store.blobs.has(hashlib.sha256(LARGE).hexdigest())
    with store.read() as conn:
        assert [(each.field, each.actor) for each in changes.of(conn, RUN, run.run)] == [("purged", "trash")]
        with pytest.raises(UnknownError):
            runs.get(conn, run.run)


def test_no_text_of_it_stays_in_any_file(home: Path, hand: Hand) -> None:
    marks = [f"secret{number}x" * 3 for number in range(5)]
    with Store.open(home) as store:
        with store.write() as tx:
            experiments.ensure_default(tx)
        kept = filled(store, hand, 0)
        with store.write() as tx:
            run = runs.create(tx, 0, marks[0], EPOCH, hand, tags={"a": marks[1]})
            texts.put(tx, texts.PARAMETER, run.id, 0, {f"p{place}": marks[2] * 50 for place in range(200)}, hand)
            data = marks[3].encode() * 100
            files.put(tx, f"0/{run.run}/artifacts/{marks[4]}", hashlib.sha256(data).hexdigest(), len(data), hand, data)
        assert all(_within(home, mark) for mark in marks)
        with store.write() as tx:
            runs.delete(tx, run.run, hand)
        for days in (31, 32):
            assert trash.purge(store, hand.at + days * DAY).any
        assert not [mark for mark in marks if _within(home, mark)] and _within(home, kept.run)


def _within(home: Path, text: str) -> bool:
    """Whether a text is in a file of a home."""
    return any(text.encode() in path.read_bytes() for path in home.rglob("*") if path.is_file())


def test_what_was_restored_or_belongs_to_others_stays(store: Store, hand: Hand) -> None:
    kept, gone, back = (filled(store, hand, 0) for _ in range(3))
    with store.write() as tx:
        runs.delete(tx, gone.run, hand)
        runs.delete(tx, back.run, hand)
        runs.restore(tx, back.run, hand)
    age(store, LARGE, hand.at)
    for days in (31, 32):
        done = trash.purge(store, hand.at + days * DAY)
    assert not done.artifacts and rows(store)["artifact"] == 2
    with store.read() as conn:
        assert set(search.page(conn, [0], view=search.ALL).ids) == {kept.id, back.id}
        found = files.get(conn, f"0/{kept.run}/artifacts/f/large")
        assert artifacts.content(store.blobs, found) == LARGE


def test_an_experiment_goes_with_its_runs_and_the_default_one_never(store: Store, hand: Hand) -> None:
    with store.write() as tx:
        id = experiments.create(tx, "one", hand, tags={"a": "1"})
    filled(store, hand, id)
    with store.write() as tx:
        experiments.delete(tx, id, hand)
        experiments.delete(tx, 0, hand)
    done = trash.purge(store, hand.at + 31 * DAY)
    assert (done.experiments, done.runs, done.files) == (1, 1, 2)
    with store.read() as conn:
        assert experiments.get(conn, 0).deleted_at is not None
        with pytest.raises(UnknownError):
            experiments.get(conn, id)
        assert [each.field for each in changes.of(conn, EXPERIMENT, str(id))] == ["purged"]
    with store.write() as tx:
        assert experiments.create(tx, "two", hand) > id  # whoever still logs to the purged one must not be taken in


def test_files_stay_that_another_experiment_keeps_where_the_purged_one_did(store: Store, hand: Hand) -> None:
    with store.write() as tx:
        old = experiments.create(tx, "old", hand)
        new = [
            experiments.create(tx, f"new {n}", hand, f"mlflow-artifacts:/{old}{more}")
            for n, more in enumerate(("", "/", "/deep"))
        ]
        paths = []
        for id, more in zip(new, ("", "", "/deep"), strict=True):
            run = runs.create(tx, id, "one", EPOCH, hand)
            paths.append(f"{old}{more}/{run.run}/artifacts/small")
            files.put(tx, paths[-1], hashlib.sha256(SMALL).hexdigest(), len(SMALL), hand, SMALL)
        experiments.delete(tx, old, hand)
    assert trash.purge(store, hand.at + 31 * DAY) == trash.Purged(experiments=1)
    with store.read() as conn:
        assert [files.get(conn, path).bytes for path in paths] == [len(SMALL)] * 3


def test_bytes_that_were_put_again_lately_are_not_collected(store: Store, hand: Hand) -> None:
    run = filled(store, hand, 0)
    with store.write() as tx:
        runs.delete(tx, run.run, hand)
    now = datetime.now(hand.at.tzinfo) + 60 * DAY
    trash.purge(store, now - DAY)
    age(store, LARGE, now - timedelta(minutes=5))  # an upload whose row is about to land
    assert trash.purge(store, now).artifacts == 1 and store.blobs.has(hashlib.sha256(LARGE).hexdigest())
    age(store, LARGE, now - DAY)
    assert trash.purge(store, now + timedelta(hours=2)).artifacts == 1


@pytest.mark.parametrize("how", ["edge", "pack"])
def test_bytes_that_something_else_refers_to_are_not_collected(store: Store, hand: Hand, how: str) -> None:
    run, digest = filled(store, hand, 0), hashlib.sha256(LARGE).hexdigest()
    with store.write() as tx:
        runs.delete(tx, run.run, hand)
        if how == "edge":
            made = executions.NewExecution(key="k", kind="step", subject="s", started_at=hand.at, ended_at=hand.at)
            (id,) = executions.record(tx, [made])
            edges.add(tx, [edges.Edge(execution_id=id, direction=edges.OUT, kind="artifact", reference=digest)])
        else:
            packed = artifacts.Artifact(digest="0" * 64, kind="model", bytes=3, at=hand.at, pack=digest, start=0)
            artifacts.add(tx, [packed])
    age(store, LARGE, hand.at)
    for days in (31, 32, 33):
        trash.purge(store, hand.at + days * DAY)
    assert store.blobs.has(digest) and rows(store)["orphan"] == 0


def test_a_file_that_is_replaced_or_removed_leaves_no_bytes_behind(store: Store, hand: Hand) -> None:
    digest = store.blobs.put(LARGE)
    with store.write() as tx:
        files.put(tx, "a", digest, len(LARGE), hand)
        files.put(tx, "a", hashlib.sha256(SMALL).hexdigest(), len(SMALL), hand, SMALL)
        files.put(tx, "b", hashlib.sha256(b"b").hexdigest(), 1, hand, b"b")
        files.remove(tx, "b", hand.at)
    age(store, LARGE, hand.at)
    done = trash.purge(store, hand.at + DAY)
    assert (done.artifacts, done.bytes) == (2, len(LARGE) + 1)
    with store.read() as conn:
        assert artifacts.content(store.blobs, files.get(conn, "a")) == SMALL


@pytest.mark.parametrize("how", ["unneeded", "of a file", "of another kind", "pack"])
def test_bytes_that_no_file_came_to_be_of_are_collected_unless_something_needs_them(
    store: Store, hand: Hand, how: str
) -> None:
    digest = store.blobs.put(LARGE)
    with store.write() as tx:
        files.expect(tx, digest, hand.at)
        if how == "of a file":
            files.put(tx, "a", digest, len(LARGE), hand)
        elif how == "of another kind":
            artifacts.add(tx, [artifacts.Artifact(digest=digest, kind="model", bytes=len(LARGE), at=hand.at)])
        elif how == "pack":
            packed = artifacts.Artifact(digest="0" * 64, kind="model", bytes=3, at=hand.at, pack=digest, start=0)
            artifacts.add(tx, [packed])
    age(store, LARGE, hand.at + DAY)
    trash.purge(store, hand.at + DAY)
    assert store.blobs.has(digest)  # it was put again lately
    age(store, LARGE, hand.at)
    trash.purge(store, hand.at + 2 * DAY)
    assert store.blobs.has(digest) is (how != "unneeded") and rows(store)["orphan"] == 0


def test_traces_go_with_their_experiment(store: Store, hand: Hand) -> None:
    with store.write() as tx:
        gone, kept = experiments.create(tx, "gone", hand), experiments.create(tx, "kept", hand)
        for id in (gone, kept):
            record.put(tx, Trace(f"tr-{id}", id, "ask", 1, 1, record.SUCCEEDED), {"a": "1"}, hand)
        experiments.delete(tx, gone, hand)
    assert trash.purge(store, hand.at + 31 * DAY) == trash.Purged(experiments=1, traces=1)
    with store.read() as conn:
        assert list(record.some(conn, [f"tr-{gone}", f"tr-{kept}"])) == [f"tr-{kept}"]


def test_a_registered_model_goes_with_all_its_versions_at_once_and_its_id_is_never_given_again(
    store: Store, hand: Hand
) -> None:
    with store.write() as tx:
        kept, gone = (registered.create(tx, name, hand) for name in ("kept", "gone"))
        for model in (kept, gone):
            for _ in range(3):
                versions.create(tx, registered.get(tx, model.name), "s3://bucket/x", hand, tags={"a": "1"})
        aliases.put(tx, registered.get(tx, "gone"), "champion", 3, hand)
        versions.delete(tx, versions.get(tx, kept, 2), hand)
        registered.delete(tx, gone, hand)
    assert not trash.purge(store, hand.at + 29 * DAY).any
    assert trash.purge(store, hand.at + 31 * DAY) == trash.Purged(models=1, versions=4)
    with store.write() as tx:
        assert [each.field for each in changes.of(tx, MODEL, str(gone.id))] == ["purged"]
        told = [(each.field, each.after) for each in changes.of(tx, MODEL, str(kept.id))]
        assert ("version 2", "purged") in told
        new = registered.create(tx, "gone", hand)
        assert new.id > gone.id and changes.of(tx, MODEL, str(new.id)) == []
        assert versions.create(tx, registered.get(tx, "kept"), "s3://bucket/x", hand).number == 4
