"""Artifacts: streamed in and out, ranges, folders; and no path leads anywhere else."""

from __future__ import annotations

import hashlib
import http.client
import os
import re
from collections.abc import Iterator
from urllib.parse import quote, urlsplit

import httpx
import pytest

from tests.server.harbour import Harbour

BASE = "/api/2.0/mlflow-artifacts/artifacts"
TRICKS = (
    "..", "../x", "a/../../x", "%2e%2e/x", "%2E%2E%2Fx", "%252e%252e%252fx", "%25252e%25252e/x", "a/%2e%2e/%2e%2e/x",
    "a%5c..%5cx", "..%5cx", "a%00b", "a%2500b", "%2fetc%2fpasswd", "%252fetc%252fpasswd", "a//b", "./a", "a/./b", "%0a",
)  # fmt: skip


@pytest.fixture
def client(server: tuple[str, str]) -> Iterator[httpx.Client]:
    url, token = server
    with httpx.Client(base_url=url, headers={"authorization": f"Bearer {token}"}, trust_env=False) as client:
        yield client


def raw(server: tuple[str, str], method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
    """Status and body of the answer to a request whose path no client library puts in order."""
    url, token = server
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    connection.putrequest(method, path)
    connection.putheader("Authorization", f"Bearer {token}")
    connection.putheader("Content-Length", str(len(body or b"")))
    connection.endheaders(body)
    answer = connection.getresponse()
    found = answer.status, answer.read()
    connection.close()
    return found


@pytest.mark.parametrize("size", [0, 1, 16_384, 16_385, 3_000_000])
@pytest.mark.parametrize("name", ["plain.bin", "with space/ü 漢;x#y?.txt"])
def test_what_is_put_is_got(client: httpx.Client, size: int, name: str) -> None:
    data = os.urandom(size)
    path = f"{BASE}/0/r/artifacts/{quote(name)}"
    assert client.put(path, content=data).json() == {}
    found = client.get(path)
    assert found.content == data and found.headers["content-length"] == str(size)
    assert found.headers["content-disposition"].startswith("attachment") and found.headers["x-content-type-options"]
    assert client.head(path).headers["content-length"] == str(size)
    listed = client.get(BASE, params={"path": "0/r/artifacts"}).json()["files"]
    assert {"path": "plain.bin", "is_dir": False, "file_size": size} in listed or "/" in name
    assert client.delete(path).json() == {} and client.get(path).status_code == 404


@pytest.mark.parametrize(
    ("range", "wanted"),
    [
        ("bytes=0-0", slice(0, 1)), ("bytes=5-", slice(5, None)), ("bytes=-7", slice(-7, None)),
        ("bytes=10-19", slice(10, 20)), ("bytes=19999-99999", slice(19_999, None)),
    ],
)  # fmt: skip
@pytest.mark.parametrize("size", [2_000, 20_000])
def test_a_range_is_got(client: httpx.Client, range: str, wanted: slice, size: int) -> None:
    data = os.urandom(20_000)[:size]
    client.put(f"{BASE}/ranged", content=data)
    found = client.get(f"{BASE}/ranged", headers={"range": range})
    if data[wanted]:
        assert found.status_code == 206 and found.content == data[wanted]
    else:
        assert found.status_code == 200 and found.content == data


@pytest.mark.parametrize(
    "header", ["bytes=a-b", "bytes=9-1", "lines=0-1", "bytes=-", "bytes=99999-", "bytes=-0", f"bytes={'9' * 5000}-"]
)
def test_what_is_no_range_is_the_whole(client: httpx.Client, header: str) -> None:
    client.put(f"{BASE}/whole", content=b"0123456789")
    found = client.get(f"{BASE}/whole", headers={"range": header})
    assert found.status_code == 200 and found.content == b"0123456789"


def test_a_body_without_a_length_is_taken(client: httpx.Client) -> None:
    parts = [os.urandom(70_000) for _ in range(40)]
    assert client.put(f"{BASE}/chunked", content=iter(parts)).status_code == 200
    assert client.get(f"{BASE}/chunked").content == b"".join(parts)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("trick", TRICKS)
def test_no_path_leads_out(server: tuple[str, str], method: str, trick: str) -> None:
    status, answer = raw(server, method, f"{BASE}/{trick}", b"x" if method == "PUT" else None)
    assert status == 400 and re.match(rb'{"error_code":"INVALID_PARAMETER_VALUE","message":"Invalid path', answer)


@pytest.mark.parametrize("trick", ["..", "a/../..", "%2e%2e", "/etc", "a\\b", "a\0"])
def test_no_folder_leads_out(client: httpx.Client, trick: str) -> None:
    asked = client.get(BASE, params={"path": trick.removeprefix("/") if trick == "/etc" else trick})
    assert asked.status_code == 400 or asked.json() == {}
    run = client.post("/api/2.0/mlflow/runs/create", json={"experiment_id": "0"}).json()["run"]["info"]["run_id"]
    listed = client.get("/api/2.0/mlflow/artifacts/list", params={"run_id": run, "path": trick})
    assert listed.status_code == 400 and listed.json()["error_code"] == "INVALID_PARAMETER_VALUE"


def test_a_runs_name_is_no_path(client: httpx.Client) -> None:
    for name in ("..", "../..", "%2e%2e", "a/b"):
        got = client.get("/api/2.0/mlflow/runs/get", params={"run_id": name})
        assert got.status_code == 404 and got.json()["error_code"] == "RESOURCE_DOES_NOT_EXIST"
        listed = client.get("/api/2.0/mlflow/artifacts/list", params={"run_id": name, "path": "x"})
        assert listed.status_code == 404


def test_artifacts_that_lie_elsewhere_are_not_served(client: httpx.Client) -> None:
    for place in ("s3://bucket/x", "file:///etc", "/etc"):
        made = client.post(
            "/api/2.0/mlflow/experiments/create", json={"name": f"at {place}", "artifact_location": place}
        ).json()
        run = client.post("/api/2.0/mlflow/runs/create", json={"experiment_id": made["experiment_id"]}).json()["run"][
            "info"
        ]
        assert run["artifact_uri"] == f"{place}/{run['run_id']}/artifacts"
        listed = client.get("/api/2.0/mlflow/artifacts/list", params={"run_id": run["run_id"]})
        assert listed.status_code == 400 and "not kept by this server" in listed.json()["message"]


def test_a_damaged_file_is_never_taken_for_whole(client: httpx.Client, harbour: Harbour) -> None:
    data = os.urandom(2_000_000)
    client.put(f"{BASE}/damaged", content=data)
    found = client.get(f"{BASE}/damaged")
    file = harbour.store.blobs.path(found.headers["etag"].strip('"'))
    file.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(httpx.RemoteProtocolError):
        client.get(f"{BASE}/damaged")
    file.write_bytes(data[:1000])
    cut = client.get(f"{BASE}/damaged")
    assert cut.status_code == 404 and "are cut off" in cut.json()["message"]


def test_names_that_are_no_text_are_refused(client: httpx.Client) -> None:
    for name in ("%ff", "%fe", "a%c3b"):
        answer = client.put(f"{BASE}/{name}", content=b"x")
        assert answer.status_code == 400 and "Invalid path" in answer.json()["message"]


@pytest.mark.parametrize("parted", [False, True])
def test_bytes_of_a_file_that_is_refused_are_left_to_the_collector(
    client: httpx.Client, harbour: Harbour, *, parted: bool
) -> None:
    data = os.urandom(100_000)
    client.put(f"{BASE}/refused/file", content=b"")
    if parted:
        root = BASE.removesuffix("artifacts")
        upload = client.post(f"{root}mpu/create/refused/file", json={"path": "below", "num_parts": 1}).json()
        client.put(upload["credentials"][0]["url"], content=data)
        told = {"path": "below", "upload_id": upload["upload_id"], "parts": [{"part_number": 1}]}
        answer = client.post(f"{root}mpu/complete/refused/file", json=told)
    else:
        answer = client.put(f"{BASE}/refused/file/below", content=data)
    assert answer.status_code == 400 and "cannot lie beside" in answer.json()["message"]
    with harbour.store.read() as conn:
        noted = {digest for (digest,) in conn.exec_driver_sql("SELECT digest FROM orphan")}
    assert hashlib.sha256(data).hexdigest() in noted
