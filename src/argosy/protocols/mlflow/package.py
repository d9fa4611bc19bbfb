"""Versions of members as MLflow packages: an MLmodel that says how to load what is stored, made when it is asked for.

A package takes the features of the version by their names, as numbers and booleans. Categories are codes that a
signature gives out, which no library of a client knows: such a version is in no package.
"""

from __future__ import annotations

import hashlib
import json
import platform
from datetime import datetime
from importlib import metadata
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from argosy.errors import InputError, UnknownError
from argosy.model.single import NAME, single
from argosy.protocols.mlflow.fault import INVALID, Fault
from argosy.protocols.mlflow.info import VERSION
from argosy.store import artifacts, bundles, executions
from argosy.store.artifacts import Artifact
from argosy.store.blobs import Blobs
from argosy.store.models import members
from argosy.store.models.members import Version
from argosy.store.tracking.files import KIND, PACKAGES, Entry

if TYPE_CHECKING:
    from argosy.model.signature import Signature

_LIBRARIES = {"lightgbm": ("lightgbm",), "onnx": ("onnx", "onnxruntime")}
_DATA = {"lightgbm": "model.lgb", "onnx": "model.onnx"}
_TYPES = {
    "lightgbm": {"number": "double", "boolean": "boolean"},
    "onnx": {"number": "double", "boolean": "double"},
}
"""What MLflow calls the kinds of features; a graph takes one matrix, in which a boolean is 0 or 1."""
_REQUIREMENTS, _ENVIRONMENT = "requirements.txt", "python_env.yaml"


def is_of(path: str) -> bool:
    """Whether a path of artifacts is of packages; clients put nothing there."""
    return path == PACKAGES or path.startswith(f"{PACKAGES}/")


def listed(conn: Connection, blobs: Blobs, path: str) -> list[Entry]:
    """What lies in a folder: the files of a version, nothing elsewhere. Raises Fault where it is in no package."""
    found = _version(conn, path)
    if found is None:
        return []
    return [Entry(name, each.bytes) for name, each in sorted(_files(conn, blobs, found).items())]


def get(conn: Connection, blobs: Blobs, path: str) -> Artifact:
    """A file of a version. Raises UnknownError, and Fault where the version is in no package."""
    folder, _, name = path.rpartition("/")
    version = _version(conn, folder)
    found = _files(conn, blobs, version).get(name) if version is not None else None
    if found is None:
        raise UnknownError(f"there is no artifact {path[:300]!r}", next="list the folder")
    return found


def _version(conn: Connection, folder: str) -> Version | None:
    id = folder.removeprefix(f"{PACKAGES}/")
    if not (id.isascii() and id.isdigit() and len(id) < 19):
        return None
    return members.versions(conn, [int(id)]).get(int(id))


def _files(conn: Connection, blobs: Blobs, version: Version) -> dict[str, Artifact]:
    known = artifacts.get(conn, [version.artifact, version.signature or ""])
    if version.format not in _DATA:
        raise _unpackaged(version, f"it is in the format {version.format}, which Argosy makes no package of")
    if version.signature not in known:
        raise _unpackaged(version, "how it takes its rows is not on record")
    from argosy.model.signature import Signature  # it loads NumPy and Polars

    signature = Signature.from_json(artifacts.content(blobs, known[version.signature]))
    named = [each.name for each in signature.features if each.kind == "category"]
    if named:
        some = ", ".join(named[:8])
        raise _unpackaged(version, f"it takes categories as codes that Argosy gives out ({some})")
    model = known[version.artifact]
    if version.format == "onnx":
        try:
            model = _made(single(artifacts.content(blobs, model)), version.at)
        except InputError as error:
            raise _unpackaged(version, error.message) from None
    libraries = _libraries(conn, version)
    environment = {"python": platform.python_version(), "dependencies": [f"-r {_REQUIREMENTS}"]}
    texts = {
        "MLmodel": _yaml(_described(version, signature, libraries)),
        _ENVIRONMENT: _yaml(environment),
        _REQUIREMENTS: "".join(f"{each}\n" for each in ["mlflow", *(f"{k}=={v}" for k, v in libraries.items())]),
    }
    return {_DATA[version.format]: model, **{name: _made(text.encode(), version.at) for name, text in texts.items()}}


def _described(version: Version, signature: Signature, libraries: dict[str, str]) -> dict[str, Any]:
    data = _DATA[version.format]
    flavor: dict[str, Any] = {"code": None, "data": data}
    if version.format == "lightgbm":
        flavor |= {"lgb_version": libraries["lightgbm"], "model_class": "lightgbm.basic.Booster"}
    else:
        flavor |= {"onnx_version": libraries["onnx"], "providers": ["CPUExecutionProvider"]}
    types = _TYPES[version.format]
    inputs = [{"type": types[each.kind], "name": each.name, "required": True} for each in signature.features]
    output = {"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1]}}
    if version.format == "onnx":
        output = {"type": "float", "name": NAME, "required": True}  # type: ignore[dict-item]
    return {
        "artifact_path": "model",
        "flavors": {
            version.format: flavor,
            "python_function": {
                "data": data, "env": {"virtualenv": _ENVIRONMENT}, "loader_module": f"mlflow.{version.format}",
                "python_version": platform.python_version(),
            },
        },
        "metadata": {
            "argosy.version": f"{version.name}@{version.number}", "argosy.label": signature.label,
            "argosy.task": signature.task,
        },
        "mlflow_version": VERSION,
        "model_uuid": version.artifact[:32],
        "run_id": version.run,
        "signature": {"inputs": json.dumps(inputs), "outputs": json.dumps([output]), "params": None},
        "utc_time_created": f"{version.at:%Y-%m-%d %H:%M:%S.%f}",
    }  # fmt: skip


def _libraries(conn: Connection, version: Version) -> dict[str, str]:
    """The versions of the libraries that it was made with, as far as they are told; else those that are here."""
    run = executions.get(conn, [version.execution_id])[version.execution_id]
    bundle = bundles.get(conn, run.bundle) if run.bundle else None
    told = bundle.libraries if bundle is not None else {}
    return {name: told.get(name) or metadata.version(name) for name in _LIBRARIES[version.format]}


def _made(data: bytes, at: datetime) -> Artifact:
    return Artifact(digest=hashlib.sha256(data).hexdigest(), kind=KIND, bytes=len(data), at=at, data=data)


def _yaml(value: Any) -> str:
    import yaml  # a hundredth of what a server takes to start, for files that few ask for

    return str(yaml.safe_dump(value, sort_keys=False, allow_unicode=True))


def _unpackaged(version: Version, why: str) -> Fault:
    return Fault(
        INVALID,
        f"{version.name}@{version.number} is in no MLflow package: {why}. Argosy's own servers score it: "
        f"argosy predict {version.fleet}",
    )
