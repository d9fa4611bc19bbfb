"""The page of a logged model."""

from __future__ import annotations

import pytest

from argosy.console import logged
from argosy.console.page import to_html
from argosy.errors import UnknownError
from argosy.store import Store
from argosy.store.rows import execute
from tests.console import tracks


def model(store: Store) -> str:
    with store.read() as conn:
        return str(execute(conn, "SELECT model FROM logged").fetchone()[0])


def test_a_logged_model_is_told_whole(tracked_store: Store) -> None:
    with tracked_store.read() as conn:
        page = logged.page(conn, tracked_store, model(tracked_store), tracks.NOW)
    data = page.data
    assert (data.name, data.type, data.status, data.experiment) == ("classifier", "agent", "ready", "tumours")
    assert data.parameters["num_leaves"] == "3" and data.tags == {"team": "vision"}
    (measure,) = data.measures
    assert (measure.key, measure.step, measure.dataset) == ("auc", 2, "breast_cancer")
    assert data.folder is not None and {node.name for node in data.folder.nodes} >= {"model", "notes.md"}
    html = to_html(page)
    assert f'href="/tracked/{data.run}"' in html and f'href="/logged/{data.model}?path=notes.md#files"' in html


def test_a_file_of_it_is_shown(tracked_store: Store) -> None:
    name = model(tracked_store)
    with tracked_store.read() as conn:
        found = logged.read(conn, tracked_store, name, "model/requirements.txt").sight
        assert found is not None and found.preview.text.startswith("lightgbm")
        assert logged.find(conn, name, "model/requirements.txt").digest == found.digest
        for of, path in ((name, "none"), ("m-x", "")):
            with pytest.raises(UnknownError):
                logged.read(conn, tracked_store, of, path)
