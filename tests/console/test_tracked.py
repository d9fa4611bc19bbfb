"""The page of a tracked run."""

from __future__ import annotations

import pytest

from argosy.console import tracked
from argosy.console.page import to_html
from argosy.console.tracked import Asked, TrackedPage
from argosy.errors import InputError, UnknownError
from argosy.store import Store
from argosy.store.rows import execute
from tests.console import tracks


def name(store: Store, called: str) -> str:
    with store.read() as conn:
        return str(execute(conn, "SELECT run FROM tracked WHERE name = ?", (called,)).fetchone()[0])


def read(store: Store, called: str, **asked: object) -> TrackedPage:
    with store.read() as conn:
        return tracked.read(conn, store, name(store, called), Asked(**asked), tracks.NOW)  # type: ignore[arg-type]


def test_a_run_is_told_whole(tracked_store: Store) -> None:
    found = read(tracked_store, "the first")
    assert (found.experiment, found.status, found.took, found.owner) == ("tumours", "succeeded", 40.0, "ada")
    assert found.parent is not None and found.parent.name == "sweep"
    assert {each.name: each.values[0] for each in found.parameters.rows}["num_leaves"] == "3"
    assert found.last["validation_auc"].step == 59 and next(iter(found.last)) == "best_round"
    assert [each.key for each in found.curves] == [
        "training_auc", "training_loss", "validation_auc", "validation_loss",
    ]  # fmt: skip
    assert found.tags == {"team": "pathology"} and "mlflow.parentRunId" in found.labels
    assert found.source == {"source": "train.py", "commit": "0" * 40}
    assert found.requirements.startswith("lightgbm==")
    assert [(each.name, each.context) for each in found.data] == [("breast_cancer", "train")]
    assert [(each.field, each.before, each.after, each.actor) for each in found.changes[:2]] == [
        ("tag:team", "vision", "pathology", "bo"), ("name", "leaves 3", "the first", "bo"),
    ]  # fmt: skip
    assert found.folder is not None and [node.name for node in found.folder.nodes] == [
        "model", "report", "importance.csv", "notes.md",
    ]  # fmt: skip
    assert found.sight is not None and found.sight.path == "notes.md"


def test_the_runs_that_a_run_began(tracked_store: Store) -> None:
    found = read(tracked_store, "sweep")
    assert len(found.children) == 18 and found.parent is None and found.curves == () and found.last == {}


def test_what_is_shown_is_chosen_by_the_url(tracked_store: Store) -> None:
    found = read(
        tracked_store, "the first", keys="loss", curve="metrics.training_loss", smooth=0.7, path="report/scores.json"
    )
    assert set(found.last) == {"training_loss", "validation_loss"} and found.parameters.rows == ()
    (curve,) = found.curves
    assert [line.faint for line in curve.lines] == [True, False]
    assert found.sight is not None and found.sight.preview.rows == ((0, 0.98), (1, 0.99))
    assert read(tracked_store, "the first", path="model/model.bin").sight.why == "it is no text"  # type: ignore[union-attr]


@pytest.mark.parametrize("path", ["../x", "none.txt", "a//b", "%2e%2e/x", "a\\b"])
def test_a_path_that_leads_nowhere_is_refused(tracked_store: Store, path: str) -> None:
    with pytest.raises((UnknownError, InputError)):
        read(tracked_store, "the first", path=path)
    with tracked_store.read() as conn, pytest.raises((UnknownError, InputError)):
        tracked.find(conn, name(tracked_store, "the first"), path)


def test_a_run_is_found_by_the_first_digits_of_its_name(tracked_store: Store) -> None:
    whole = name(tracked_store, "the first")
    with tracked_store.read() as conn:
        page = tracked.page(conn, tracked_store, whole[:10], Asked(), tracks.NOW)
        with pytest.raises(UnknownError):
            tracked.page(conn, tracked_store, "ab" * 16, Asked(), tracks.NOW)
    assert page.data.run == whole and page.data.short == whole[:8] and page.live == ""
    html = to_html(page)
    assert html.count("<script") == 1 and f"argosy reproduce {whole[:8]}" in html
    assert "&lt;script&gt;" in html and f'href="/tracked/{whole}/files/notes.md"' in html


def test_a_run_under_way_is_followed(tracked_store: Store) -> None:
    whole = name(tracked_store, "under way")
    with tracked_store.read() as conn:
        page = tracked.page(conn, tracked_store, whole, Asked(smooth=0.5), tracks.NOW)
    assert page.live == f"/tracked/{whole}/live?smooth=0.5" and page.data.took == 240
