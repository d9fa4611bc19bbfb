"""Requests are read alike whatever database keeps what they say."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from argosy.store import Store
from argosy.store.batch import Batch
from tests.protocols.mlflow.conftest import Asker


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def both(request: pytest.FixtureRequest, home: Path) -> Iterator[Asker]:
    """An application on either back end."""
    place = home if request.param == "sqlite" else request.getfixturevalue("postgres_home")
    with Store.open(place, blobs=home / "blobs") as store:
        batch = Batch(store)
        yield Asker(store, batch)
        batch.close()


def test_a_zero_byte_is_refused_wherever_it_stands(both: Asker) -> None:
    run = both.good("POST", "runs/create", {"experiment_id": "0"})["run"]["info"]["run_id"]
    asked: list[tuple[str, str, Any, dict[str, Any]]] = [
        ("POST", "runs/delete-tag", {"run_id": run, "key": "\0"}, {}),
        ("POST", "runs/delete", {"run_id": "\0"}, {}),
        ("POST", "traces/link-to-run", {"trace_ids": ["a", "b\0"], "run_id": run}, {}),
        ("POST", "/api/3.0/mlflow/traces", {"trace": {"trace_info": {"trace_metadata": {"a\0": "b"}}}}, {}),
        ("DELETE", "logged-models/m-1/tags/\0", None, {}),
        ("GET", "runs/get", None, {"run_id": "\0"}),
        ("GET", "experiments/get-by-name", None, {"experiment_name": "a\0"}),
    ]
    for method, path, body, query in asked:
        assert "zero byte" in both.refused(method, path, body, **query)
    said = {"run_id": run, "key": "said", "value": "a backslash, then u0000: \\u0000"}
    both.good("POST", "runs/set-tag", said)
    found = both.good("GET", "runs/get", run_id=run)["run"]["data"]["tags"]
    assert said["value"] in [each["value"] for each in found]


def test_what_is_large_and_wrong_is_not_read_whatever_it_holds(ask: Asker) -> None:
    tracemalloc.start()
    for path, body in (("runs/log-batch", b'{"run_id": [], "x": ['), ("runs/set-tag", b'"a"["')):
        status, told = ask.send("POST", f"/api/2.0/mlflow/{path}", body + b"{}," * 1_000_000 + b"0]}", {})
        assert status == 400 and "is not understood" in told["message"]
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 20_000_000  # a hundred and more, if each of the objects were made


@pytest.mark.postgres
def test_a_name_that_no_index_takes_is_refused(postgres_home: str, home: Path) -> None:
    long = "".join(map(chr, range(0x4E00, 0x4E00 + 3000)))
    with Store.open(postgres_home, blobs=home / "blobs") as store:
        batch = Batch(store)
        ask = Asker(store, batch)
        info = {
            "trace_id": "tr-1", "trace_location": {"mlflow_experiment": {"experiment_id": "0"}},
            "request_time": "2026-03-01T12:00:00Z", "trace_metadata": {"mlflow.sourceRun": long},
        }  # fmt: skip
        told = ask.refused("POST", "/api/3.0/mlflow/traces", {"trace": {"trace_info": info}})
        assert "INVALID_PARAMETER_VALUE: a name is too long to be found by" in told
        assert ask("PUT", f"/api/2.0/mlflow-artifacts/artifacts/{long[:1400]}", {})[0] == 400
        batch.close()
