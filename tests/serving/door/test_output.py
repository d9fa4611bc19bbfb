"""What each door tells of a row beside its prediction."""

from __future__ import annotations

import struct
from io import BytesIO
from typing import Any

import msgspec
import polars as pl
import pytest

from argosy.model.ensemble import Ensemble, Floats
from argosy.model.matrix import Matrix
from argosy.spec.estimator import Estimator
from argosy.spec.interval import Interval
from argosy.spec.search import Candidate, Search
from argosy.store import declarations
from tests.serving.conftest import FLEET, declared
from tests.serving.served import URL, Served, body, outputs

ROWS = [
    {"origin": "JFK", "carrier": carrier, "departure": "2013-04-01T15:30:00Z", "distance": 0.25, "dest": "LAX"}
    for carrier in ("AA", "B6")
]


@pytest.fixture
def bounded(served: Served) -> Served:
    """The fleet declares an interval, and of its versions that of JFK/AA alone has a margin."""
    served.fleet.add_version("JFK/AA", 5, metrics={"margin_90": 0.25})
    wanted = msgspec.structs.replace(FLEET, search=Search(metric="mae"), interval=Interval(0.9))
    with served.fleet.store.write() as tx:
        declarations.add(tx, [declared(wanted)])
    return served


def test_bounds_are_outputs_of_an_inference(bounded: Served) -> None:
    found = outputs(bounded.post(body()))
    [value] = found["prediction"]
    assert list(found) == ["prediction", "version", "route", "lower", "upper", "stale"]
    assert (found["lower"], found["upper"]) == ([value - 0.25], [value + 0.25])
    asked = body() | {"outputs": [{"name": "upper"}]}
    assert outputs(bounded.post(asked)) == {"upper": [value + 0.25]}
    listed = bounded.run(lambda client: client.get("/v2/models/late-arrival")).json()["outputs"]
    assert {"name": "lower", "datatype": "FP64", "shape": [-1]} in listed


def test_a_version_without_a_margin_has_no_bounds(bounded: Served) -> None:
    def asked(**more: Any) -> Any:
        return bounded.post({"records": ROWS}, url="/predict/late-arrival", **more)

    first, second = asked().json()["predictions"]
    assert first["upper"] - first["lower"] == pytest.approx(0.5)
    assert (second["lower"], second["upper"]) == (None, None)
    table = pl.read_ipc_stream(BytesIO(asked(headers={"Accept": "application/vnd.apache.arrow.stream"}).content))
    assert table.schema["lower"] == pl.Float64 and table["upper"].to_list() == [first["upper"], None]
    both = {"inputs": [], "parameters": {"binary_data_output": True}, "outputs": [{"name": "lower"}]}
    both["inputs"] = [
        {"name": name, "datatype": "FP64" if name == "distance" else "BYTES", "shape": [2],
         "data": [row[name] for row in ROWS]}
        for name in ROWS[0]
    ]  # fmt: skip
    answer = bounded.post(both, url=URL)
    values = struct.unpack("<2d", answer.content[int(answer.headers["inference-header-content-length"]) :])
    assert values[0] == first["lower"] and values[1] != values[1]


@pytest.fixture
def spread(served: Served) -> Served:
    """The fleet declares quantiles, and of its versions that of JFK/AA alone predicts some."""
    served.fleet.add_version("JFK/AA", 5, levels=(0.1, 0.5))
    wanted = msgspec.structs.replace(
        FLEET, search=Search(metric="mae"), quantiles=(0.1, 0.5, 0.9),
        candidates=(Candidate(Estimator("lightgbm:LGBMRegressor")),),
    )  # fmt: skip
    with served.fleet.store.write() as tx:
        declarations.add(tx, [declared(wanted)])
    return served


def test_quantiles_are_outputs_of_an_inference(spread: Served) -> None:
    found = outputs(spread.post(body()))
    assert list(found) == ["prediction", "version", "route", "q10", "q50", "q90", "stale"]
    assert found["q10"][0] < found["q50"][0] == found["prediction"][0] and found["q90"] == [None]
    assert outputs(spread.post(body() | {"outputs": [{"name": "q10"}]})) == {"q10": found["q10"]}
    refused = spread.post(body() | {"outputs": [{"name": "q20"}]})
    assert refused.status_code == 400 and "'q20'" in refused.text and "q90" in refused.text
    listed = spread.run(lambda client: client.get("/v2/models/late-arrival")).json()["outputs"]
    assert {"name": "q90", "datatype": "FP64", "shape": [-1]} in listed
    config = spread.run(lambda client: client.get("/v2/models/late-arrival/config")).json()["output"]
    assert {"name": "q10", "data_type": "TYPE_FP64", "dims": [-1]} in config
    assert spread.recorded()["prediction"].to_list() == [found["prediction"][0]] * 2


def test_quantiles_are_told_at_the_other_doors(spread: Served) -> None:
    first, second = spread.post({"records": ROWS}, url="/predict/late-arrival").json()["predictions"]
    assert first["q10"] < first["q50"] == first["prediction"]
    assert (first["q90"], second["q10"], second["q50"], second["q90"]) == (None,) * 4
    kind = {"Accept": "application/vnd.apache.arrow.stream"}
    table = pl.read_ipc_stream(
        BytesIO(spread.post({"records": ROWS}, url="/predict/late-arrival", headers=kind).content)
    )
    assert table.schema["q10"] == table.schema["q90"] == pl.Float64
    assert table["q10"].to_list() == [first["q10"], None] and table["q90"].null_count() == 2
    asked = {"dataframe_records": ROWS, "params": {"outputs": ["prediction", "q10"]}}
    [one, _] = spread.post(asked, url="/invocations/late-arrival").json()["predictions"]
    assert one == {"prediction": first["prediction"], "q10": first["q10"]}


def test_quantiles_come_of_the_one_evaluation_that_gives_the_prediction(
    spread: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, answers = [], Ensemble._answers

    def counted(model: Ensemble, rows: Matrix) -> Floats:
        asked.append(len(rows))
        return answers(model, rows)

    monkeypatch.setattr(Ensemble, "_answers", counted)
    spread.post(body())
    spread.post({"records": ROWS}, url="/predict/late-arrival")
    assert asked == [1, 1]


def test_a_fleet_without_an_interval_tells_of_none(served: Served) -> None:
    assert not {"lower", "upper"} & outputs(served.post(body())).keys()
    listed = served.run(lambda client: client.get("/v2/models/late-arrival")).json()["outputs"]
    assert not {"lower", "upper"} & {each["name"] for each in listed}
