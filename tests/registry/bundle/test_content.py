"""What a bundle holds, and that it answers as the version in it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import onnx
import pytest

from argosy.errors import ConflictError, InputError
from argosy.model.format import load
from argosy.model.signature import encode_rows
from argosy.registry.address import parse
from argosy.registry.bundle.content import Source, Trial, pack, pack_fleet
from argosy.registry.bundle.inside import Fleet, Model, check
from tests.registry.bundle.conftest import Made

FORMATS = ("lightgbm", "onnx")


def lay(folder: Path, files: Mapping[str, bytes]) -> Path:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


@pytest.mark.parametrize("format", FORMATS)
def test_a_bundle_answers_as_the_version(format: str, made: Callable[[str], Made], tmp_path: Path) -> None:
    source, trial = made(format)
    found = pack(source, trial)
    assert found.difference == 0.0 if format == "onnx" else found.difference < 1e-15
    folder = lay(tmp_path / "b", found.files)
    wanted = load(format, source.model).predict(encode_rows(trial.rows, source.signature))
    assert np.allclose(Model(folder).predict(trial.rows), wanted, rtol=1e-14, atol=0) and wanted.std() > 0.01
    assert check(folder).startswith("30 predictions are as packed")


@pytest.mark.parametrize("format", FORMATS)
def test_the_manifest_tells_what_it_is_of_and_what_it_holds(format: str, made: Callable[[str], Made]) -> None:
    source, trial = made(format)
    files = pack(source, trial, dockerfile=True).files
    manifest = msgspec.json.decode(files["MANIFEST.json"])
    assert manifest["version"] == "late/JFK@3" and manifest["datasets"] == ["flights@4"] and manifest["code"] == "c0de"
    assert (manifest["format"], manifest["sha256"]) == (format, hashlib.sha256(source.model).hexdigest())
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


def fleet(made: Callable[[str], Made], *addresses: str) -> list[tuple[Source, Trial]]:
    """Versions of one fleet, of both formats by turns."""
    found = [(address, *made(FORMATS[place % 2])) for place, address in enumerate(addresses)]
    return [(msgspec.structs.replace(source, address=parse(address)), trial) for address, source, trial in found]


def test_a_fleet_routes_each_row_by_its_key(made: Callable[[str], Made], tmp_path: Path) -> None:
    packed = fleet(made, "late/JFK/A%2FB@3", "late/*@2", "late/LGA/1@1")
    found = pack_fleet("late", ("origin", "gate"), packed)
    assert found.name == "model_late"
    folder = lay(tmp_path / "f", found.files)
    asked: list[dict[str, Any]] = [{**row, "origin": "JFK", "gate": "A/B"} for row in packed[0][1].rows]
    asked[3:9:2] = [{**row, "origin": "LGA", "gate": 1} for row in asked[3:9:2]]
    asked[4:9:2] = [{**row, "origin": "XX", "gate": True} for row in asked[4:9:2]]
    answers = Fleet(folder).predict(asked)
    for place, (source, _) in ((0, packed[0]), (3, packed[2]), (4, packed[1])):
        (wanted,) = load(source.format, source.model).predict(encode_rows([asked[place]], source.signature))
        assert answers[place] == pytest.approx(wanted, rel=1e-12)
    assert len(set(answers)) > 10 and check(folder).startswith("90 predictions are as packed")
    origins = msgspec.json.decode(found.files["MANIFEST.json"])["versions"]
    assert [each["version"] for each in origins] == ["late/JFK/A%2FB@3", "late/*@2", "late/LGA/1@1"]
    assert "own: 2; the pooled model answers all others." in found.files["README.md"].decode()


def test_a_fleet_refuses_what_no_model_answers(made: Callable[[str], Made], tmp_path: Path) -> None:
    packed = fleet(made, "late/JFK@3")
    folder = lay(tmp_path / "f", pack_fleet("late", ("origin",), packed).files)
    row = {**packed[0][1].rows[0], "origin": "JFK"}
    for bad, said in (
        ({**row, "origin": "LGA"}, "row 2: no model is for origin='LGA', and no pooled one stands behind"),
        ({**row, "origin": None}, "row 2 has no key 'origin': a text, a whole number or a boolean"),
        ({**row, "wet": "x"}, "row 2: 'wet' is str, wanted a boolean"),
        (7, "row 2 is int, wanted an object"),
    ):
        with pytest.raises(ValueError, match=said):
            Fleet(folder).predict([row, bad])
    assert Fleet(folder).predict([]) == []
    (folder / "model0" / "schema.json").write_text("{}")
    with pytest.raises(ValueError, match=r"model0/schema\.json is not the file that was packed"):
        check(folder)
