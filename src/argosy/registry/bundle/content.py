"""What lies in a bundle: a package of a few files that predicts by itself, with where it comes from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib import metadata
from importlib.resources import files as resources
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from argosy.errors import ConflictError, InputError
from argosy.model.conversion import convert
from argosy.model.format import load
from argosy.model.matrix import Matrix
from argosy.model.signature import Feature, Signature, encode_rows
from argosy.model.single import NAME, single
from argosy.registry.address import Address
from argosy.registry.bundle import name
from argosy.registry.bundle.inside import check
from argosy.registry.bundle.readme import readme, readme_fleet
from argosy.spec.fleet import POOLED

REQUIRES = {"numpy": "1.26", "onnxruntime": "1.21"}
"""The oldest releases that a bundle predicts with: 1.21 is the first that has the operator for LightGBM's trees."""
_CODE = ("__init__.py", "__main__.py", "predict.py")
_PROVEN = {"onnx": 0.0, "lightgbm": 1e-12}
_TESTED = {"onnx": 1e-5, "lightgbm": 1e-9}
"""How far answers may be apart, as a share of the largest: here, and elsewhere, where a release may round otherwise."""
_BY = {
    "column": "a column of the rows",
    "request": "a request feature: Argosy's server computes it from a request, here whoever asks does",
    "view": "a column of a feature view: Argosy's server looks it up, here whoever asks does",
}


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A version to be packed: its address, format, bytes and signature, when it was made, and what of.

    `datasets` are the versions that it was trained on, `code` is the digest of the code that declared it.
    """

    address: Address
    format: str
    model: bytes
    signature: Signature
    at: datetime
    datasets: tuple[str, ...]
    code: str | None


class Trial(msgspec.Struct, frozen=True):
    """What a bundle is proven on: rows as numbers for the proof, and some `rows` by name that travel with it.

    `told` says in words what the latter are.
    """

    matrix: Matrix
    rows: tuple[Mapping[str, Any], ...]
    told: str


class Content(msgspec.Struct, frozen=True):
    """A bundle: the name of its package, its files by path, and the largest difference seen from its versions."""

    name: str
    files: dict[str, bytes]
    difference: float


def pack(source: Source, trial: Trial, *, dockerfile: bool = False) -> Content:
    """The files of a version's bundle, proven on a trial to answer as the version does.

    To the last bit where the version is ONNX; a LightGBM version within a trillionth of its largest answer. Raises
    ConflictError where it answers otherwise, InputError for a version that has no such form.
    """
    package = name.package(source.address)
    files, difference = _proven(source, trial)
    page = readme(str(source.address), package, source.signature, trial.told, _required())
    whole = _whole(package, files, page, _origin(source), dockerfile=dockerfile)
    return Content(package, whole, difference)


def pack_fleet(
    fleet: str, by: Sequence[str], packed: Sequence[tuple[Source, Trial]], *, dockerfile: bool = False
) -> Content:  # fmt: skip
    """The files of a bundle of many versions of a fleet, each for the rows of its key, the pooled model's for the rest.

    Raises as `pack` does.
    """
    package = name.package(Address(fleet))
    files: dict[str, bytes] = {}
    members, pooled, difference, versions = list[dict[str, Any]](), None, 0.0, list[dict[str, Any]]()
    for place, (source, trial) in enumerate(packed):
        folder = f"model{place}"
        found, far = _proven(source, trial)
        files |= {f"{folder}/{each}": data for each, data in found.items()}
        difference = max(difference, far)
        versions.append({"model": folder, **_origin(source)})
        if source.address.key == POOLED:
            pooled = folder
        else:
            members.append({"key": source.address.values, "version": str(source.address), "model": folder})
    files["fleet.json"] = _json({"fleet": fleet, "by": by, "members": members, "pooled": pooled})
    page = readme_fleet(fleet, package, by, len(members), pooled is not None, _required())
    whole = _whole(package, files, page, {"fleet": fleet, "versions": versions}, dockerfile=dockerfile)
    return Content(package, whole, difference)


def _proven(source: Source, trial: Trial) -> tuple[dict[str, bytes], float]:
    """A version's own files, and the largest difference seen from it."""
    graph = _graph(source)
    version = load(source.format, source.model, known=True)
    wanted, seen = version.predict(trial.matrix), load("onnx", graph).predict(trial.matrix)
    difference = float(np.max(np.abs(wanted - seen), initial=0.0))
    limit = _PROVEN[source.format] * _largest(wanted)
    if not difference <= limit:
        raise ConflictError(
            f"{source.address} is not packed: by onnxruntime alone it answers otherwise, by {difference:g} over "
            f"{len(wanted):,} rows (limit {limit:g})",
            next=f"serve it with Argosy: argosy predict {source.address.fleet}",
        )
    answers = version.predict(encode_rows(trial.rows, source.signature))
    test = {
        "of": trial.told, "tolerance": _TESTED[source.format] * _largest(answers), "rows": trial.rows,
        "predictions": answers.tolist(),
    }  # fmt: skip
    files = {"model.onnx": graph, "schema.json": _json(_schema(source)), "selftest.json": _json(test)}
    return files, difference


def _whole(
    package: str, files: Mapping[str, bytes], page: str, origin: Mapping[str, Any], *, dockerfile: bool
) -> dict[str, bytes]:  # fmt: skip
    """The files with the code, a page, a manifest and, for an image, a Dockerfile; they have passed their self-test."""
    code = resources("argosy.registry.bundle.inside")
    whole = {each: code.joinpath(each).read_bytes() for each in _CODE} | {**files, "README.md": page.encode()}
    if dockerfile:
        whole["Dockerfile"] = _dockerfile(package).encode()
    manifest = {
        **origin, "packed_by": f"argosy {metadata.version('argosy')}",
        "proven_with": {each: metadata.version(each) for each in REQUIRES},
        "files": {each: hashlib.sha256(data).hexdigest() for each, data in sorted(whole.items())},
    }  # fmt: skip
    whole["MANIFEST.json"] = _json(manifest)
    with TemporaryDirectory(prefix="argosy-bundle-") as folder:
        for each, data in whole.items():
            Path(folder, each).parent.mkdir(exist_ok=True)
            Path(folder, each).write_bytes(data)
        try:
            check(Path(folder))
        except ValueError as error:
            raise ConflictError(
                f"{package} is not packed: it fails its own self-test: {error}", next="report it with the signature"
            ) from error
    return whole


def _graph(source: Source) -> bytes:
    if source.format == "onnx":
        return single(source.model)
    if source.format == "lightgbm":
        return convert(source.model)
    raise InputError(
        f"{source.address} is in the format {source.format!r}, which onnxruntime does not run",
        next="pack a version whose format is lightgbm or onnx: argosy get versions",
    )


def _largest(answers: npt.NDArray[np.float64]) -> float:
    return float(np.max(np.abs(answers), initial=0.0))


def _schema(source: Source) -> dict[str, Any]:
    signature = source.signature
    value = "the probability that it is true" if signature.task == "binary" else "its value"
    return {
        "version": str(source.address), "task": signature.task, "label": signature.label,
        "inputs": [_input(each) for each in signature.features],
        "output": {"name": NAME, "kind": "number", "means": f"of the label {signature.label!r}, {value}"},
        "model": "model.onnx",
    }  # fmt: skip


def _input(feature: Feature) -> dict[str, Any]:
    """An input as the schema names it; a category's code is its place in the list."""
    kind, _, view = feature.origin.partition(":")
    found: dict[str, Any] = {"name": feature.name, "kind": feature.kind, "origin": kind, "comes_from": _BY[kind]}
    if view:
        found["view"] = view
    if feature.categories is not None:
        found["categories"] = feature.categories
    return found


def _origin(source: Source) -> dict[str, Any]:
    """Where a version comes from."""
    return {
        "version": str(source.address), "made": source.at, "datasets": source.datasets, "code": source.code,
        "format": source.format, "sha256": hashlib.sha256(source.model).hexdigest(),
        "signature": source.signature.digest,
    }  # fmt: skip


def _required() -> list[str]:
    return [f"{each}>={oldest}" for each, oldest in REQUIRES.items()]


def _dockerfile(package: str) -> str:
    """An image that reads rows and prints predictions; its build ends where the self-test fails."""
    packages = " ".join(f'"{each}"' for each in _required())
    return f"""FROM python:3.12-slim
RUN pip install --no-cache-dir {packages}
COPY . /app/{package}
WORKDIR /app
RUN python -m {package} --self-test
USER nobody
ENTRYPOINT ["python", "-m", "{package}"]
"""


def _json(value: Any) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"
