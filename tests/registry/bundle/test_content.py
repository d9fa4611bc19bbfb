"""What a bundle holds, and that it answers as the version in it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import numpy as np
import onnx
import pytest

from argosy.errors import ConflictError, InputError
from argosy.model.format import load
from argosy.model.signature import encode_rows
from argosy.registry.bundle.content import pack
from argosy.registry.bundle.inside import Bundle
from tests.registry.bundle.conftest import Made

FORMATS = ("lightgbm", "onnx")


def lay(folder: Path, files: Mapping[str, bytes]) -> Bundle:
    folder.mkdir(exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return Bundle(folder)


@pytest.mark.parametrize("format", FORMATS)
def test_a_bundle_answers_as_the_version(format: str, made: Callable[[str], Made], tmp_path: Path) -> None:
    source, trial = made(format)
    found = pack(source, trial)
    assert found.difference == 0.0 if format == "onnx" else found.difference < 1e-15
    bundle = lay(tmp_path / "b", found.files)
    wanted = load(format, source.model).predict(encode_rows(trial.rows, source.signature))
    assert np.allclose(bundle.predict(trial.rows), wanted, rtol=1e-14, atol=0) and wanted.std() > 0.01
    assert bundle.check().startswith("30 predictions are as packed")


@pytest.mark.parametrize("format", FORMATS)
def test_the_manifest_tells_what_it_is_of_and_what_it_holds(format: str, made: Callable[[str], Made]) -> None:
    source, trial = made(format)
    files = pack(source, trial, dockerfile=True).files
    manifest = msgspec.json.decode(files["MANIFEST.json"])
    assert manifest["version"] == "late/JFK@3" and manifest["datasets"] == ["flights@4"] and manifest["code"] == "c0de"
    assert manifest["model"] == {"format": format, "sha256": hashlib.sha256(source.model).hexdigest()}
    assert manifest["files"] == {
        name: hashlib.sha256(data).hexdigest() for name, data in files.items() if name != "MANIFEST.json"
    }
    assert pack(source, trial, dockerfile=True).files == files


def test_the_schema_says_what_a_row_holds_and_who_computes_it(made: Callable[[str], Made]) -> None:
    source, trial = made("lightgbm")
    files = pack(source, trial).files
    schema = msgspec.json.decode(files["schema.json"])
    inputs = {each["name"]: each for each in schema["inputs"]}
    assert list(inputs) == list(source.signature.names)
    assert inputs["place"]["categories"] == ["E|WR", "JFK", "LGA"] and inputs["wet"]["kind"] == "boolean"
    assert inputs["hour"]["origin"] == "request" and "whoever asks" in inputs["hour"]["comes_from"]
    assert inputs["temp"]["view"] == "conditions" and "view" not in inputs["miles"]
    assert "probability" in schema["output"]["means"]
    page = files["README.md"].decode()
    assert "| place | category: E\\|WR, JFK, LGA | the row |" in page
    assert "| hour | number | request feature, computed by whoever asks |" in page
    assert "| temp | number | feature view conditions, looked up by whoever asks |" in page


def test_only_an_image_has_a_dockerfile(made: Callable[[str], Made]) -> None:
    source, trial = made("onnx")
    assert "Dockerfile" not in pack(source, trial).files
    text = pack(source, trial, dockerfile=True).files["Dockerfile"].decode()
    assert "RUN python -m model_late_JFK --self-test\n" in text and "USER nobody" in text


def test_a_version_that_would_answer_otherwise_is_not_packed(made: Callable[[str], Made]) -> None:
    source, trial = made("onnx")
    model = onnx.load_model_from_string(source.model)
    odd = onnx.helper.make_node("RandomNormalLike", [model.graph.output[-1].name], ["odd"], dtype=1)
    model.graph.node.append(odd)
    model.graph.output.append(onnx.helper.make_tensor_value_info("odd", 1, [None, 2]))
    other = msgspec.structs.replace(source, model=model.SerializeToString())
    with pytest.raises(ConflictError, match="late/JFK@3 is not packed"):
        pack(other, trial)


def test_a_format_that_onnxruntime_does_not_run_is_named(made: Callable[[str], Made]) -> None:
    source, trial = made("onnx")
    with pytest.raises(InputError, match="format 'skops', which onnxruntime does not run"):
        pack(msgspec.structs.replace(source, format="skops"), trial)
