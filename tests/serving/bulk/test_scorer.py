"""Rows in columns are answered as the scorer of requests answers each of them alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lightgbm import LGBMClassifier

from argosy.errors import ArgosyError, CorruptError, InputError, UnreachableError
from argosy.features.online import Online
from argosy.features.reader import HISTORY, Reader
from argosy.features.source import Source
from argosy.model.ensemble import Ensemble, Quantiles, pack
from argosy.model.format import Model
from argosy.model.lightgbm import LightGBM
from argosy.model.matrix import Matrix
from argosy.model.signature import Feature, Signature
from argosy.serving.batch import Answer, Batch
from argosy.serving.bulk.online import OnlineViews
from argosy.serving.bulk.scorer import BulkScorer
from argosy.serving.cache import Loaded, ModelCache
from argosy.serving.derive import DTYPES
from argosy.serving.door import output
from argosy.serving.routing import Endpoint, Input, Route, VersionRef, ViewBinding
from argosy.serving.score import Scorer
from argosy.spec.expression import Expression
from argosy.store.blobs import Slot

NOW = datetime(2013, 4, 1, 12, tzinfo=UTC)
FULL = Signature(
    (
        Feature("x", "number"), Feature("c", "category", ("7", "a", "b")), Feature("b", "boolean"),
        Feature("hour", "number", origin="request"), Feature("strict", "number", origin="request"),
        Feature("temp", "number", origin="view:conditions"), Feature("wind", "number", origin="view:conditions"),
    ),
    "binary",
    "late",
)  # fmt: skip
SMALL = Signature((Feature("n", "category", ("1", "2")), Feature("x", "number")), "binary", "late")
ODD = Signature((Feature("x", "number"), Feature("t", "number")), "binary", "late")
"""Takes a time for a number, which no row with a time fits."""
SIGNATURES = {each.digest: each for each in (FULL, SMALL, ODD)}


class Infinite:
    """Gives no finite number where the first feature is above 0."""

    features, bytes_in_memory = len(FULL.features), 1

    def predict(self, matrix: Matrix) -> npt.NDArray[np.float64]:
        return np.where(matrix[:, 0] > 0, np.inf, 0.5)


class Away:
    """Lives in a process that has ended."""

    features, bytes_in_memory = len(FULL.features), 1

    def predict(self, matrix: Matrix) -> npt.NDArray[np.float64]:
        raise UnreachableError("its process is gone")


def ref(id: int, signature: Signature, format: str = "lightgbm") -> VersionRef:
    margin = id / 8 if id % 2 else None
    return VersionRef(id, f"f/m@{id}", format, Slot(f"{id:064d}", None, 0, 1), signature.digest, margin)


ODDITIES: dict[str, Any] = {"infinite": Infinite(), "away": Away()}
ENDPOINT = Endpoint(
    "f", "binary", ("k", "n"),
    (
        Input("k", "BYTES"), Input("n", "INT64"), Input("x", "FP64"), Input("c", "BYTES"), Input("b", "BOOL"),
        Input("t", "TIME"), Input("s", "BYTES"), Input("origin", "BYTES"), Input("id", "BYTES", False),
        Input("temp", "FP64", False),
    ),
    request_features=(
        ("hour", Expression.of(pl.col("t").dt.hour(), "hour")),
        ("strict", Expression.of(pl.col("s").cast(pl.Int64), "strict")),
    ),
    views=(ViewBinding("conditions", ("origin",), ("temp", "wind"), timedelta(hours=6)),),
    time="t", lead=timedelta(hours=1), row_key="id",
    pooled=Route(ref(1, FULL)),
    routes={
        "a/1": Route(ref(2, FULL)), "a/2": Route(ref(3, SMALL)), "b/1": Route(ref(4, FULL), ref(5, ODD), 0.5),
        "b/2": Route(None, ref(6, SMALL), 0.5), "c/1": Route(), "c/2": Route(ref(7, FULL, "infinite")),
        "d%2Fe/1": Route(ref(8, FULL, "broken")), "d%2Fe/2": Route(ref(9, SMALL), ref(10, FULL, "broken"), 0.5),
    },
)  # fmt: skip
STICKY = msgspec.structs.replace(ENDPOINT, sticky="origin")
ALONE = msgspec.structs.replace(ENDPOINT, pooled=Route())
BOUNDED = msgspec.structs.replace(ENDPOINT, bounded=True)
SPREAD = msgspec.structs.replace(ENDPOINT, quantiles=(0.1, 0.5, 0.9))


@pytest.fixture(scope="module")
def cache() -> ModelCache:
    rng = np.random.default_rng(5)
    texts: dict[int, bytes] = {}
    for id, width in ((1, 7), (2, 7), (3, 2), (4, 7), (6, 2), (9, 2)):
        rows = rng.normal(size=(300, width))
        late = rows[:, 0] + rng.normal(size=300) > 0
        model = LGBMClassifier(n_estimators=4, num_leaves=4, verbose=-1, n_jobs=1).fit(rows, late)
        texts[id] = model.booster_.model_to_string().encode()
    texts[5] = texts[3]  # of as many features

    def load(version: VersionRef) -> Loaded:
        if version.format == "broken":
            raise CorruptError("it is damaged", next="train it again")
        if version.format in ODDITIES:
            return Loaded(ODDITIES[version.format], SIGNATURES[version.signature])
        model: Model = LightGBM(texts[version.id], known=True)
        if version.id == 4:
            rule = Quantiles((0.1, 0.5, 0.9))
            model = Ensemble(pack(rule, [("lightgbm", texts[each]) for each in (1, 2, 4)]), known=True)
        return Loaded(model, SIGNATURES[version.signature])

    return ModelCache(load)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    with Online(tmp_path_factory.mktemp("online"), map_size=1 << 22) as online:
        source = Source("conditions", ("origin",), "time", None, ("temp", "wind"), timedelta(hours=6))
        times = [NOW - timedelta(days=400), NOW - timedelta(hours=3), NOW - timedelta(hours=6.5)]
        rows = {"origin": ["JFK", "JFK", "LGA"], "time": times, "temp": [-1.0, 1.0, 2.0], "wind": [0.5, None, 1.5]}
        online.write(source, pl.DataFrame(rows))
        online.expire(NOW, HISTORY)
        yield online.reader([source])


def some(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(values)


ROW = st.fixed_dictionaries({
    "k": some("a", "b", "c", "d/e", "z", None), "n": some(1, 2, 3, None), "c": some("a", "b", "7", "new", "", None),
    "x": some(-1.0, 0.25, 3.0, float("nan"), None), "b": some(True, False, None), "s": some("1", "7", "seven", None),
    "t": some(NOW, NOW - timedelta(hours=4), NOW - timedelta(days=399), None),
    "origin": some("JFK", "LGA", "EWR", None),
    "id": st.text(min_size=1, max_size=3), "temp": some(9.0, None),
})  # fmt: skip


def alone(
    endpoint: Endpoint, scorer: Scorer, row: Mapping[str, Any], at: datetime | None
) -> tuple[Answer | None, str]:  # fmt: skip
    """What a request of one row gets; or nothing, and why."""
    decided = at or (row["t"] - endpoint.lead if row["t"] else None)
    if None in (row["k"], row["n"], decided):
        return None, "no key or no time"
    try:
        columns = {name: [value] for name, value in row.items()}
        return scorer.answer(scorer.plan(Batch(endpoint, columns, 1, "offline", decided))), ""
    except ArgosyError as error:
        return None, error.message


@settings(max_examples=60)
@given(
    rows=st.lists(ROW, min_size=1, max_size=30), endpoint=some(ENDPOINT, ALONE, STICKY, BOUNDED, SPREAD),
    canaries=st.booleans(), given_temp=st.booleans(), at=some(None, NOW, NOW - timedelta(days=398)),
)  # fmt: skip
def test_each_row_is_answered_as_if_alone(
    cache: ModelCache, reader: Reader, rows: list[dict[str, Any]], endpoint: Endpoint, canaries: bool,
    given_temp: bool, at: datetime | None,
) -> None:  # fmt: skip
    types = {each.name: DTYPES[each.datatype] for each in endpoint.inputs if given_temp or each.name != "temp"}
    rows = [{name: row[name] for name in types} for row in rows]
    frame = pl.DataFrame(rows, schema=types)
    with BulkScorer(endpoint, cache, OnlineViews(endpoint, reader), NOW, canaries=canaries, threads=2) as bulk:
        found = bulk.score(frame, at).to_dicts()
    if not canaries:
        still = {key: Route(each.champion) for key, each in endpoint.routes.items()}
        endpoint = msgspec.structs.replace(endpoint, routes=still)
    scorer = Scorer(cache, lambda: NOW, lambda _: reader)
    for row, got in zip(rows, found, strict=True):
        expected, why = alone(endpoint, scorer, row, at)
        if expected is None:
            assert got["prediction"] is None and got["reason"], (row, got, why)
            continue
        assert got["reason"] is None, (row, got)
        told = (got["prediction"], got["version"], got["route"], got["stale"])
        assert told == (expected.predictions[0], expected.versions[0], expected.routes[0], (expected.stale or [])[0])
        names = ("lower", "upper") if endpoint.bounded else ("q10", "q50", "q90") if endpoint.quantiles else ()
        beside = {name: values[0] for name, values in output.told(expected).items() if name[0] in "luq"}
        assert beside == {name: got[name] for name in names}


def test_the_pooled_model_answers_for_a_version_that_cannot_be_read(cache: ModelCache, reader: Reader) -> None:
    """For the canary, that is its champion first: the rows of `d/e/2` come from its own."""
    good = {"n": 1, "x": 1.0, "c": "a", "b": True, "t": NOW, "s": "1", "origin": "JFK"}
    rows = pl.DataFrame([good | change for change in ({"k": "d/e"}, {"k": "z"}, {"k": "d/e", "n": 2})])
    with BulkScorer(ENDPOINT, cache, OnlineViews(ENDPOINT, reader), NOW, threads=1) as bulk:
        found = bulk.score(rows, None)
    assert found["route"].to_list() == ["fallback", "unknown", "own"] and found["reason"].null_count() == 3
    assert found["version"].to_list() == ["f/m@1", "f/m@1", "f/m@9"]
    assert found["prediction"][0] == found["prediction"][1]


def test_the_pooled_model_answers_for_a_version_that_cannot_be_asked(cache: ModelCache, reader: Reader) -> None:
    endpoint = msgspec.structs.replace(ENDPOINT, routes={"a/1": Route(ref(20, FULL, "away"))})
    rows = pl.DataFrame({"k": "a", "n": 1, "x": 1.0, "c": "a", "b": True, "t": NOW, "s": "1", "origin": "JFK"})
    with BulkScorer(endpoint, cache, OnlineViews(endpoint, reader), NOW, threads=1) as bulk:
        found = bulk.score(rows, None)
    assert found.select("route", "version", "reason").row(0) == ("fallback", "f/m@1", None)


def test_reasons_say_what_is_wrong_with_a_row(cache: ModelCache, reader: Reader) -> None:
    good = {"k": "a", "n": 1, "x": 1.0, "c": "a", "b": True, "t": NOW, "s": "1", "origin": "JFK"}
    changes = [
        {}, {"k": None}, {"x": "many"}, {"t": None}, {"s": "one"}, {"k": "c", "n": 2}, {"k": "d/e"}, {"k": "z"},
        {"t": NOW - timedelta(days=399), "origin": "EWR"},
    ]  # fmt: skip
    rows = pl.DataFrame([good | change for change in changes], strict=False, schema_overrides={"x": pl.String})
    with BulkScorer(ALONE, cache, OnlineViews(ALONE, reader), NOW, threads=1) as bulk:
        reasons = bulk.score(rows, None)["reason"].to_list()
    since = f"{NOW - timedelta(hours=3) - HISTORY:%Y-%m-%dT%H:%M:%SZ}"
    assert reasons == [
        None, "key column 'k' is missing", "column 'x' holds what is no Float64",
        "'t' is missing, so there is no decision time", "request feature 'strict' fails",
        "version f/m@7 fails: it gives no finite number", "version f/m@8 fails: it is damaged",
        "member 'f/z/1' is not known and no pooled model of fleet 'f' answers "
        "(next: argosy why f/z/1, or declare the fleet with pooled=True)",
        f"feature view 'conditions' keeps its rows from {since} on",
    ]  # fmt: skip


def test_a_version_that_answers_most_rows_is_asked_about_slices_of_them(cache: ModelCache) -> None:
    plain = msgspec.structs.replace(ENDPOINT, by=(), views=(), routes={"": Route(ref(3, SMALL))})
    rows = pl.DataFrame({"n": np.arange(40_000) % 3, "x": np.arange(40_000) / 40_000}).with_columns(
        k=pl.lit("a"), c=pl.lit("a"), b=pl.lit(True), t=pl.lit(NOW), s=pl.lit("1"), origin=pl.lit("JFK"),
    )  # fmt: skip
    with BulkScorer(plain, cache, None, NOW, threads=2) as bulk:
        found = bulk.score(rows, None)
    few = found.filter(pl.int_range(pl.len()) % 5_000 == 7)["prediction"].to_list()
    scorer = Scorer(cache, lambda: NOW)
    for row, prediction in zip(rows.filter(pl.int_range(pl.len()) % 5_000 == 7).to_dicts(), few, strict=True):
        answer, _ = alone(plain, scorer, row, NOW)
        assert answer is not None and answer.predictions == [prediction]
    assert found["version"].unique().to_list() == ["f/m@3"] and found["reason"].null_count() == 40_000


def test_more_models_than_may_be_held_are_not_loaded_anew_for_every_chunk() -> None:
    rows = np.random.default_rng(1).normal(size=(100, 2))
    text = LGBMClassifier(n_estimators=2, verbose=-1, n_jobs=1).fit(rows, rows[:, 0] > 0).booster_.model_to_string()
    model = LightGBM(text.encode(), known=True)
    cache = ModelCache(lambda version: Loaded(model, SMALL), limit_bytes=6 * model.bytes_in_memory)
    routes = {f"m{i}": Route(ref(i, SMALL)) for i in range(10)}
    endpoint = Endpoint("f", "binary", ("k",), (Input("k", "BYTES"), *ENDPOINT.inputs[1:3]), routes=routes)
    frame = pl.DataFrame({"k": [f"m{i % 10}" for i in range(100)], "n": 1, "x": 0.5})
    with BulkScorer(endpoint, cache, None, NOW, threads=1) as bulk:
        for _ in range(5):
            assert bulk.score(frame, NOW)["reason"].null_count() == 100
    assert cache.counters.misses <= 10 + 4 * 5


def test_columns_that_every_row_needs_are_asked_for_at_once(cache: ModelCache, reader: Reader) -> None:
    views = OnlineViews(ENDPOINT, reader)
    with BulkScorer(ENDPOINT, cache, views, NOW) as bulk, pytest.raises(InputError, match="lack b, c, k, n, origin"):
        bulk.score(pl.DataFrame({"x": [1.0]}), NOW)
    with pytest.raises(InputError, match="reads feature views and nothing reads them"):
        BulkScorer(ENDPOINT, cache, None, NOW)
