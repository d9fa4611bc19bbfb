"""Views by the join of training and views by the online store give rows the same answers; only one of them forgets."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import polars as pl

from argosy.controller.apply import apply
from argosy.controller.house import House
from argosy.controller.inference import readers
from argosy.controller.scoring.history import History
from argosy.data.read import scan
from argosy.serving.bulk.online import OnlineViews
from argosy.serving.bulk.scorer import BulkScorer
from argosy.serving.bulk.view import Views
from argosy.serving.cache import ModelCache, blob_loader
from argosy.serving.routing import Endpoint
from argosy.serving.snapshot import Source
from tests.controller.conftest import START

FLEET = "late-arrival"


def endpoint(house: House) -> Endpoint:
    routing = Source(house.store)()
    assert routing is not None
    return routing.endpoint(FLEET)


def scored(house: House, views: Views, rows: pl.DataFrame) -> pl.DataFrame:
    cache = ModelCache(blob_loader(house.store.blobs))
    with BulkScorer(endpoint(house), cache, views, START, threads=1) as bulk:
        return bulk.score(rows, None)


def test_the_join_answers_as_the_online_store_does_and_forgets_nothing(house: House) -> None:
    asked = endpoint(house)
    with house.store.read() as conn:
        history = History.of(conn, house.store, asked)
        rows = scan(conn, house.store, "flights").collect().drop("late")
    assert history is not None and asked.views
    assert all(name.partition(".")[0] in {view.name for view in asked.views} for name in history.versions)
    online = OnlineViews(asked, readers(str(house.places.root))(asked))  # type: ignore[arg-type]
    one, other = scored(house, history, rows), scored(house, online, rows)
    assert one.equals(other) and one["prediction"].null_count() == 0 and one["prediction"].n_unique() > 100
    old = rows.with_columns(pl.col(asked.time or "") - timedelta(days=400))
    forgotten, known = scored(house, online, old), scored(house, history, old)
    assert forgotten["reason"].str.contains("keeps its rows from").all() and known["reason"].null_count() == old.height


def test_a_view_that_was_not_computed_as_it_is_declared_has_no_history(house: House, project: Path) -> None:
    text = (project / "flights.py").read_text()
    (project / "flights.py").write_text(text.replace('ttl="6h"', 'ttl="5h"'))
    apply(house.store, project / "flights.py", START, "tester")
    with house.store.read() as conn:
        assert History.of(conn, house.store, endpoint(house)) is None
