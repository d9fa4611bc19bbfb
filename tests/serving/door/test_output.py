"""What each door tells of a row beside its prediction."""

from __future__ import annotations

import struct
from io import BytesIO
from typing import Any

import msgspec
import polars as pl
import pytest

from argosy.spec.interval import Interval
from argosy.spec.search import Search
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


def test_a_fleet_without_an_interval_tells_of_none(served: Served) -> None:
    assert not {"lower", "upper"} & outputs(served.post(body())).keys()
    listed = served.run(lambda client: client.get("/v2/models/late-arrival")).json()["outputs"]
    assert not {"lower", "upper"} & {each["name"] for each in listed}
