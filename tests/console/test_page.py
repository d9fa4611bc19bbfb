"""Pages of runs and of models from a home on PostgreSQL: the same as from one on SQLite."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from sqlalchemy import Connection

from argosy.console import compare, experiment, experiments, logged, models, tracked
from argosy.console.page import Page, to_html, to_json
from argosy.store import Store
from argosy.store.rows import execute
from tests.console import tracks


def pages(conn: Connection, store: Store) -> dict[str, Page]:
    named = dict(execute(conn, "SELECT name, run FROM tracked ORDER BY id DESC").fetchall())
    (model,) = execute(conn, "SELECT model FROM logged").fetchone()
    id = next(each.id for each in experiments.read(conn).experiments if each.name == "tumours")
    asked = experiment.Asked(
        where="metrics.validation_auc > 0.99 and tags.team LIKE 'vis%'", sort="-metrics.validation_loss",
        columns="metrics.validation_loss,params.num_leaves", keys="AUC",
    )  # fmt: skip
    several = tuple(named[name] for name in ("leaves 3", "leaves 7", "sweep"))
    return {
        "list": experiments.page(conn, tracks.NOW), "trash": experiments.page(conn, tracks.NOW, view="deleted"),
        "search": experiments.page(conn, tracks.NOW, where="TUM"),
        "table": experiment.page(conn, id, experiment.Asked(), tracks.NOW),
        "asked": experiment.page(conn, id, asked, tracks.NOW),
        "compare": compare.page(conn, store, compare.Asked(runs=several, only=True, smooth=0.5), tracks.NOW),
        "run": tracked.page(conn, store, named["the first"], tracked.Asked(keys="loss"), tracks.NOW),
        "model": logged.page(conn, store, model, tracks.NOW), "models": models.index(conn, tracks.NOW, where="a"),
    }  # fmt: skip


def shapes(data: object) -> object:
    """A snapshot without what chance named."""
    if isinstance(data, dict):
        return {key: shapes(value) for key, value in data.items()}
    if isinstance(data, list):
        return [shapes(each) for each in data]
    return len(data) if isinstance(data, str) else data


@pytest.mark.postgres
def test_pages_of_runs_are_the_same_on_postgres(tracked_store: Store, postgres_home: str, tmp_path: Path) -> None:
    with Store.open(postgres_home, blobs=tmp_path / "blobs") as store:
        tracks.fill(store)
        with store.read() as conn, tracked_store.read() as other:
            found, expected = pages(conn, store), pages(other, tracked_store)
    for name, page in found.items():
        assert to_html(page).rstrip().endswith("</html>"), name
        here, there = (shapes(msgspec.json.decode(to_json(each))) for each in (page, expected[name]))
        assert here == there, name
