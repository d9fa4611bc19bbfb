"""Who may ask what of MLflow's protocol, and what those hear who may not."""

from __future__ import annotations

import asyncio
import base64
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from argosy.protocols.mlflow.app import Mlflow
from argosy.protocols.mlflow.body import LIMIT as BODY_LIMIT
from argosy.protocols.mlflow.body import SMALL
from argosy.server import secret
from argosy.store import Store
from argosy.store.batch import Batch
from argosy.store.tracking import metrics, runs
from argosy.store.tracking.changes import Hand
from argosy.store.tracking.metrics import Point
from tests.server.harbour import Harbour

API = "/api/2.0/mlflow"


@pytest.fixture
def client(harbour: Harbour) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=harbour.url, trust_env=False) as client:
        yield client


@pytest.fixture(scope="module")
def viewer(harbour: Harbour) -> dict[str, str]:
    """The headers of somebody who may only look."""
    return {"authorization": f"Bearer {secret.issue(harbour.store, 'vic', secret.VIEWER, datetime.now(UTC))}"}


def basic(name: str, password: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def test_what_tells_nothing_of_anybody_needs_no_token(client: httpx.Client) -> None:
    assert client.get("/health").text == "OK"
    assert client.get("/version").text == "3.18.0"


@pytest.mark.parametrize(
    "headers",
    [
        {}, {"authorization": "Bearer nonsense"}, {"authorization": "Bearer"}, {"authorization": "Basic !!!"},
        basic("ann", "nonsense"), {"authorization": "Digest x"},
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/runs/search", "/experiments/create", "/no/such/endpoint"])
def test_all_else_needs_a_token(client: httpx.Client, headers: dict[str, str], path: str) -> None:
    answer = client.post(API + path, json={}, headers=headers)
    assert answer.status_code == 401 and answer.json()["error_code"] == "UNAUTHENTICATED"
    assert "MLFLOW_TRACKING_TOKEN" in answer.json()["message"]
    assert client.get("/api/2.0/mlflow-artifacts/artifacts/x", headers=headers).status_code == 401


def test_a_token_is_taken_as_bearer_or_as_a_password_but_from_no_cookie(client: httpx.Client, harbour: Harbour) -> None:
    for headers in ({"authorization": f"Bearer {harbour.token}"}, basic("anybody", harbour.token)):
        assert client.post(f"{API}/experiments/search", json={}, headers=headers).status_code == 200
    cookie = {"cookie": f"argosy_{harbour.port}={harbour.token}"}
    assert client.post(f"{API}/experiments/search", json={}, headers=cookie).status_code == 401


def test_a_viewer_looks_and_changes_nothing(client: httpx.Client, viewer: dict[str, str]) -> None:
    for path in ("experiments/search", "runs/search", "registered-models/get-latest-versions", "logged-models/search"):
        assert client.post(
            f"{API}/{path}", json={"name": "x", "experiment_ids": ["0"]}, headers=viewer
        ).status_code in (200, 404), path
    assert client.get(f"{API}/experiments/get", params={"experiment_id": "0"}, headers=viewer).status_code == 200
    files = "/api/2.0/mlflow-artifacts"
    for method, path in (
        ("POST", f"{API}/runs/create"), ("POST", f"{API}/runs/log-batch"), ("PATCH", f"{API}/registered-models/update"),
        ("DELETE", f"{API}/registered-models/delete"), ("PUT", f"{files}/artifacts/x"),
        ("DELETE", f"{files}/artifacts/x"),
        ("POST", f"{files}/mpu/create/x"), ("POST", f"{API}/no/such/endpoint"),
    ):  # fmt: skip
        answer = client.request(method, path, json={}, headers=viewer)
        assert answer.status_code == 403 and answer.json()["error_code"] == "PERMISSION_DENIED", path
        assert "'vic' may only look" in answer.json()["message"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/2.0/mlflow/runs/search"), ("POST", "/api/2.0/mlflow/nothing"),
        ("PUT", "/api/2.0/mlflow/runs/create"),
        ("GET", "/api/3.0/mlflow/gateway/routes"), ("POST", "/api/2.0/mlflow-artifacts/nothing"),
    ],
)  # fmt: skip
def test_what_is_not_answered_is_told_as_json(client: httpx.Client, harbour: Harbour, method: str, path: str) -> None:
    answer = client.request(method, path, headers={"authorization": f"Bearer {harbour.token}"})
    assert answer.status_code == 404 and answer.json()["error_code"] == "ENDPOINT_NOT_FOUND"


def test_hosts_and_sizes_are_limited(client: httpx.Client, harbour: Harbour) -> None:
    admin = {"authorization": f"Bearer {harbour.token}"}
    other = client.get("/health", headers={"host": "evil.example"})
    assert other.status_code == 421 and "ARGOSY_HOSTS" in other.json()["message"]
    large = client.post(f"{API}/runs/log-batch", headers=admin, content=b" " * (BODY_LIMIT + 1))
    assert large.status_code == 413 and "is larger than" in large.json()["message"]
    search = client.post(f"{API}/runs/search", headers=admin, content=b" " * (SMALL + 1))
    assert search.status_code == 413 and "is larger than 2,097,152 bytes" in search.json()["message"]


def test_a_body_that_grows_beyond_its_limit_is_cut_off(client: httpx.Client, harbour: Harbour) -> None:
    chunk = b" " * (1 << 20)
    admin = {"authorization": f"Bearer {harbour.token}"}
    for path, limit in (("runs/log-batch", BODY_LIMIT), ("runs/search", SMALL)):
        body = (chunk for _ in range(limit // len(chunk) + 2))
        answer = client.post(f"{API}/{path}", headers=admin, content=body)
        assert answer.status_code == 400 and f"is larger than {limit:,}" in answer.json()["message"]


def test_reads_wait_among_themselves_and_keep_nobody_else_waiting(home: Path) -> None:
    """They need none of the threads of all others: while those stand still, each read is answered."""
    go = threading.Event()

    async def ask(app: Mlflow, run: str) -> None:
        query = urlencode({"run_id": run, "metric_key": "loss", "max_results": 1}).encode()
        path = f"{API}/metrics/get-history"
        scope = {"type": "http", "method": "GET", "path": path, "query_string": query, "headers": [], "auth": None}

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b""}

        async def send(message: dict[str, Any]) -> None:
            assert message.get("status", 200) == 200

        await app(scope, receive, send)

    async def talk(app: Mlflow, run: str) -> None:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
        standing = asyncio.create_task(asyncio.to_thread(go.wait))
        try:
            await asyncio.wait_for(asyncio.gather(*(ask(app, run) for _ in range(40))), 60)
        finally:
            go.set()
        assert await standing

    with Store.open(home) as store, closing(Batch(store)) as batch:
        app, now = Mlflow(store, batch, lambda: datetime.now(UTC)), datetime.now(UTC)
        with store.write() as tx:
            made = runs.create(tx, 0, "one", now, Hand("ann", now))
            metrics.log(tx, made.id, 0, [Point("loss", 0.5, step, 40_000 - step) for step in range(40)])
        asyncio.run(talk(app, made.run))


def test_writes_bear_the_name_of_the_token(client: httpx.Client, harbour: Harbour) -> None:
    admin = {"authorization": f"Bearer {harbour.token}"}
    made = client.post(f"{API}/experiments/create", json={"name": "whose"}, headers=admin).json()["experiment_id"]
    client.post(f"{API}/experiments/update", json={"experiment_id": made, "new_name": "mine"}, headers=admin)
    with harbour.store.read() as conn:
        sql = f"SELECT actor, field, before, after FROM change WHERE kind = 'experiment' AND entity = '{made}'"
        assert conn.exec_driver_sql(sql).all() == [("ada", "name", "whose", "mine")]
