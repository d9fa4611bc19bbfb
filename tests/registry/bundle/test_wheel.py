from __future__ import annotations

import base64
import csv
import hashlib
from collections.abc import Callable
from io import BytesIO
from zipfile import ZipFile

from argosy.registry.bundle.content import pack
from argosy.registry.bundle.wheel import wheel
from tests.registry.bundle.conftest import Made


def test_a_wheel_records_every_file(made: Callable[[str], Made]) -> None:
    source, trial = made("onnx")
    content = pack(source, trial)
    name, data = wheel(content, 3, source.at)
    assert name == "model_late_JFK-3-py3-none-any.whl"
    with ZipFile(BytesIO(data)) as archive:
        assert archive.testzip() is None
        files = {each: archive.read(each) for each in archive.namelist()}
    info = "model_late_JFK-3.dist-info"
    record = list(csv.reader(files[f"{info}/RECORD"].decode().splitlines()))
    assert [name for name, _, _ in record] == list(files)
    for path, digest, size in record[:-1]:
        found = base64.urlsafe_b64encode(hashlib.sha256(files[path]).digest()).rstrip(b"=").decode()
        assert (digest, size) == (f"sha256={found}", str(len(files[path])))
    assert record[-1] == [f"{info}/RECORD", "", ""]
    head, _, page = files[f"{info}/METADATA"].partition(b"\n\n")
    assert b"Name: model-late-JFK\nVersion: 3\n" in head and b"Requires-Dist: onnxruntime>=" in head
    assert page == content.files["README.md"]
    assert {path.removeprefix("model_late_JFK/"): found for path, found in files.items() if info not in path} == (
        content.files
    )


def test_the_same_content_gives_the_same_bytes(made: Callable[[str], Made]) -> None:
    source, trial = made("onnx")
    content = pack(source, trial)
    assert wheel(content, 3, source.at) == wheel(content, 3, source.at)
