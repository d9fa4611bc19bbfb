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

from argosy.errors import ConflictError
from argosy.model.ensemble import Ensemble
from argosy.model.format import Model, load
from argosy.model.matrix import Matrix
from argosy.model.signature import Feature, Signature, encode_rows
from argosy.registry.address import Address
from argosy.registry.bundle import inside, name
from argosy.registry.bundle.form import Form, form
from argosy.registry.bundle.readme import readme, readme_fleet
from argosy.spec.fleet import POOLED
from argosy.spec.quantile import MIDDLE, column

REQUIRES = {"numpy": "1.26", "onnxruntime": "1.21"}
"""The oldest releases that a bundle predicts with: 1.21 is the first that has the operator for LightGBM's trees."""
_CODE = ("__init__.py", "__main__.py", "predict.py")
_BY = {
    "column": "a column of the rows",
    "request": "a request feature: Argosy's server computes it from a request, here whoever asks does",
    "view": "a column of a feature view: Argosy's server looks it up, here whoever asks does",
}

Floats = npt.NDArray[np.float64]


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A version to be packed: its address, format, bytes and signature, when it was made, and what of.

    `datasets` are the versions that it was trained on, `code` is the digest of the code that declared it. `margin` is
    how far the bounds of its interval are from what it predicts, where it has one.
    """

    address: Address
    format: str
    model: bytes
    signature: Signature
    at: datetime
    datasets: tuple[str, ...]
    code: str | None
    margin: float | None = None


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

    To the last bit where the version is ONNX; a LightGBM version within a trillionth of its largest answer, an XGBoost
    version within a hundred-thousandth, or a ten-millionth a tree where that is more. Raises ConflictError where it
    answers otherwise, InputError for a version that has no such form.
    """
    package = name.package(source.address)
    files, difference = _proven(source, trial)
    columns = _columns(files)
    page = readme(str(source.address), package, source.signature, trial.told, columns, _required())
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
    columns: dict[str, None] = {}
    for place, (source, trial) in enumerate(packed):
        folder = f"model{place}"
        found, far = _proven(source, trial)
        files |= {f"{folder}/{each}": data for each, data in found.items()}
        difference = max(difference, far)
        columns |= dict.fromkeys(_columns(found))
        versions.append({"model": folder, **_origin(source)})
        if source.address.key == POOLED:
            pooled = folder
        else:
            members.append({"key": source.address.values, "version": str(source.address), "model": folder})
    files["fleet.json"] = _json(
        {"fleet": fleet, "by": by, "columns": list(columns), "members": members, "pooled": pooled}
    )
    page = readme_fleet(fleet, package, by, len(members), pooled is not None, list(columns), _required())
    whole = _whole(package, files, page, {"fleet": fleet, "versions": versions}, dockerfile=dockerfile)
    return Content(package, whole, difference)


def _proven(source: Source, trial: Trial) -> tuple[dict[str, bytes], float]:
    """A version's own files, and the largest difference seen from it."""
    made = form(str(source.address), source.format, source.model)
    version = load(source.format, source.model, known=True)
    wanted = _answers(version, trial.matrix, source.margin)
    files = {**made.graphs, "schema.json": _json(_schema(source, made))}
    with TemporaryDirectory(prefix="argosy-bundle-") as folder:
        _lay(Path(folder), files)
        seen = inside.Model(Path(folder)).measure(trial.matrix)
    difference = max(float(np.max(np.abs(each - seen[column]), initial=0.0)) for column, each in wanted.items())
    limit = made.proven * _largest(wanted)
    if not difference <= limit:
        raise ConflictError(
            f"{source.address} is not packed: by onnxruntime alone it answers otherwise, by {difference:g} over "
            f"{len(trial.matrix):,} rows (limit {limit:g})",
            next=f"serve it with Argosy: argosy predict {source.address.fleet}",
        )
    answers = _answers(version, encode_rows(trial.rows, source.signature), source.margin)
    test = {
        "of": trial.told, "tolerance": made.tested * _largest(answers), "rows": trial.rows,
        "answers": {column: each.tolist() for column, each in answers.items()},
    }  # fmt: skip
    return files | {"selftest.json": _json(test)}, difference


def _answers(version: Model, matrix: Matrix, margin: float | None) -> dict[str, Floats]:
    """What a version answers for rows as the server does, by the names of its columns."""
    if isinstance(version, Ensemble) and version.levels:
        found = dict(zip(map(column, version.levels), version.quantiles(matrix).T, strict=True))
        middle = found[column(MIDDLE)]
    else:
        found, middle = {}, version.predict(matrix)
    bounds = {} if margin is None else {"lower": middle - margin, "upper": middle + margin}
    return {inside.PREDICTION: middle, **bounds, **found}


def _columns(files: Mapping[str, bytes]) -> list[str]:
    """The columns of a version's answers, as its schema names them."""
    found: list[str] = msgspec.json.decode(files["schema.json"])["output"]["columns"]
    return found


def _lay(folder: Path, files: Mapping[str, bytes]) -> None:
    for each, data in files.items():
        Path(folder, each).parent.mkdir(exist_ok=True)
        Path(folder, each).write_bytes(data)


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
        _lay(Path(folder), whole)
        try:
            inside.check(Path(folder))
        except ValueError as error:
            raise ConflictError(
                f"{package} is not packed: it fails its own self-test: {error}", next="report it with the signature"
            ) from error
    return whole


def _largest(answers: Mapping[str, Floats]) -> float:
    return max(float(np.max(np.abs(each), initial=0.0)) for each in answers.values())


def _schema(source: Source, made: Form) -> dict[str, Any]:
    signature, levels = source.signature, list(map(column, made.levels))
    value = "the probability that it is true" if signature.task == "binary" else "its value"
    bounds = [] if source.margin is None else ["lower", "upper"]
    output: dict[str, Any] = {
        "name": inside.PREDICTION, "kind": "number", "means": f"of the label {signature.label!r}, {value}",
        "columns": [inside.PREDICTION, *bounds, *levels],
    }  # fmt: skip
    if bounds:
        output["margin"] = source.margin
    if levels:
        output["quantiles"] = levels
    return {
        "version": str(source.address), "task": signature.task, "label": signature.label,
        "inputs": [_input(each) for each in signature.features], "output": output, "model": made.model,
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
