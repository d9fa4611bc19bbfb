"""Artifacts in parts: sent in any order, put together once, and nothing is left of what was given up."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from argosy.errors import InputError, UnknownError
from argosy.store import Store
from argosy.store.upload import ABANDONED, Uploads

BASE = "/api/2.0/mlflow-artifacts"


@pytest.fixture
def client(server: tuple[str, str]) -> Iterator[httpx.Client]:
    url, token = server
    with httpx.Client(base_url=url, headers={"authorization": f"Bearer {token}"}, trust_env=False) as client:
        yield client


def begun(client: httpx.Client, folder: str, parts: int) -> dict:
    answer = client.post(f"{BASE}/mpu/create/{folder}", json={"path": "/tmp/somewhere/big.bin", "num_parts": parts})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_parts_are_put_together_in_their_order_and_read_by_ranges(client: httpx.Client) -> None:
    parts = [os.urandom(300_000), os.urandom(300_000), b"the end"]
    upload = begun(client, "0/run/artifacts/f", 3)
    told = []
    for credential in reversed(upload["credentials"]):  # the client sends them from several threads
        data = parts[credential["part_number"] - 1]
        sent = httpx.put(credential["url"], content=data, headers=credential["headers"], trust_env=False)
        assert sent.status_code == 200 and sent.headers["etag"] == f'"{hashlib.sha256(data).hexdigest()}"'
        told.append({"part_number": credential["part_number"], "etag": sent.headers["etag"]})
    body = {"path": "big.bin", "upload_id": upload["upload_id"], "parts": told[::-1]}
    assert client.post(f"{BASE}/mpu/complete/0/run/artifacts/f", json=body).status_code == 200
    whole = b"".join(parts)
    assert client.get(f"{BASE}/artifacts/0/run/artifacts/f/big.bin").content == whole
    address = client.get(f"{BASE}/presigned/0/run/artifacts/f/big.bin").json()
    assert address["file_size"] == len(whole)
    span = httpx.get(address["url"], headers={**address["headers"], "range": "bytes=299998-300005"}, trust_env=False)
    assert span.status_code == 206 and span.content == whole[299_998:300_006]
    assert span.headers["content-range"] == f"bytes 299998-300005/{len(whole)}"
    again = client.post(f"{BASE}/mpu/complete/0/run/artifacts/f", json=body)
    assert again.status_code == 404 and again.json()["error_code"] == "RESOURCE_DOES_NOT_EXIST"


def test_what_is_not_whole_is_not_put_together(client: httpx.Client) -> None:
    upload = begun(client, "f", 2)
    first = upload["credentials"][0]
    httpx.put(first["url"], content=b"x", headers=first["headers"], trust_env=False)
    body = {"path": "big.bin", "upload_id": upload["upload_id"], "parts": [{"part_number": 1}, {"part_number": 2}]}
    early = client.post(f"{BASE}/mpu/complete/f", json=body)
    assert early.status_code == 400 and "has 1 of 2 parts" in early.json()["message"]
    other = client.post(f"{BASE}/mpu/complete/g", json=body)
    assert other.status_code == 400 and "what the upload was begun for" in other.json()["message"]
    assert client.post(f"{BASE}/mpu/abort/f", json=body).status_code == 200
    assert client.post(f"{BASE}/mpu/complete/f", json=body).status_code == 404
    assert client.get(f"{BASE}/artifacts/f/big.bin").status_code == 404


@pytest.mark.parametrize(
    ("folder", "path", "parts"),
    [("..%2f..", "x", 1), ("%252e%252e", "x", 1), ("f", "..", 1), ("f", "a\0b", 1), ("f", "x", 0), ("f", "x", 10_001)],
)
def test_what_cannot_be_is_not_begun(client: httpx.Client, folder: str, path: str, parts: int) -> None:
    answer = client.post(f"{BASE}/mpu/create/{folder}", json={"path": path, "num_parts": parts})
    assert answer.status_code == 400 and answer.json()["error_code"] == "INVALID_PARAMETER_VALUE"


@pytest.mark.parametrize("part", ["0", "3", "-1", "x", "../1", "1/../../../about"])
def test_a_part_that_is_none_of_an_upload_is_refused(client: httpx.Client, part: str) -> None:
    upload = begun(client, "f", 2)["upload_id"]
    assert client.put(f"{BASE}/mpu/part/{upload}/{part}", content=b"x").status_code in (400, 404)
    assert client.put(f"{BASE}/mpu/part/{'0' * 32}/1", content=b"x").status_code == 404


def test_a_part_that_comes_after_its_upload_is_gone_is_refused(home: Path) -> None:
    with Store.open(home) as store:
        uploads = Uploads(store.blobs)
        name = uploads.begin("a", 1)
        draft = uploads.draft(name, 1)
        draft.write_bytes(b"x")
        uploads.drop(name)
        with pytest.raises(UnknownError, match=f"there is no upload {name}"):
            uploads.keep(name, 1, draft)


def test_two_who_put_the_same_parts_together_hear_that_it_is_done_or_that_there_is_no_such_upload(home: Path) -> None:
    noted: list[str] = []

    def finish() -> bool:
        try:
            digest, _ = uploads.finish(name, [1, 2, 3], noted.append)
        except (InputError, UnknownError):
            return False
        uploads.drop(name)
        return digest == hashlib.sha256(b"x" * 3_000_000).hexdigest()

    with Store.open(home) as store, ThreadPoolExecutor(8) as pool:
        uploads = Uploads(store.blobs)
        for _ in range(5):
            name = uploads.begin("a", 3)
            for number in (1, 2, 3):
                draft = uploads.draft(name, number)
                draft.write_bytes(b"x" * 1_000_000)
                uploads.keep(name, number, draft)
            assert any([each.result() for each in [pool.submit(finish) for _ in range(8)]])


def test_what_is_abandoned_is_swept_away_and_what_is_not_stays(home: Path) -> None:
    with Store.open(home) as store:
        uploads = Uploads(store.blobs)
        old, new = uploads.begin("a", 1), uploads.begin("b", 1)
        long_ago = (datetime.now(UTC) - 2 * ABANDONED).timestamp()
        for path in (store.blobs.root / ".uploads" / old, *(store.blobs.root / ".uploads" / old).iterdir()):
            os.utime(path, (long_ago, long_ago))
        assert uploads.sweep(datetime.now(UTC)) == 1 and uploads.about(new).path == "b"
        with pytest.raises(UnknownError, match="there is no upload"):
            uploads.about(old)
