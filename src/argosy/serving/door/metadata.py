"""What the Open Inference Protocol tells of the server and of its models: metadata, configuration, readiness."""

from __future__ import annotations

from typing import Any

from argosy.serving.door.output import outputs
from argosy.serving.routing import Endpoint, Input, VersionRef
from argosy.serving.version import addressed

_EXTENSIONS = ("model_repository", "model_configuration", "binary_tensor_data", "statistics", "parameters")


def model_metadata(endpoint: Endpoint, version: VersionRef | None = None) -> dict[str, Any]:
    """Model metadata; TIME inputs are BYTES with a format, and inputs that may be left out say so.

    Its versions are those that a request may name: numbers that one version alone bears.
    """
    return {
        "name": endpoint.fleet,
        "versions": _versions(endpoint, version),
        "platform": "argosy_fleet",
        "inputs": [_input_metadata(each) for each in endpoint.inputs],
        "outputs": [{"name": name, "datatype": kind, "shape": [-1]} for name, kind in _outputs(endpoint)],
        "parameters": {"task": endpoint.task, "by": list(endpoint.by)},
    }


def model_config(endpoint: Endpoint, version: VersionRef | None = None) -> dict[str, Any]:
    """Model configuration in Triton's words: no batch dimension beside that of the tensors."""
    return {
        "name": endpoint.fleet,
        "platform": "argosy_fleet",
        "backend": "argosy",
        "version_policy": {"specific": {"versions": [int(each) for each in _versions(endpoint, version)]}},
        "max_batch_size": 0,
        "input": [
            {"name": each.name, "data_type": _config_type(each.datatype), "dims": [-1], "optional": not each.required}
            for each in endpoint.inputs
        ],
        "output": [{"name": name, "data_type": _config_type(kind), "dims": [-1]} for name, kind in _outputs(endpoint)],
        "parameters": {
            "task": {"string_value": endpoint.task},
            "by": {"string_value": ",".join(endpoint.by)},
        },
    }


def _versions(endpoint: Endpoint, version: VersionRef | None) -> list[str]:
    if version is not None:
        return [version.address.rpartition("@")[2]]
    return sorted(addressed(endpoint), key=int)


def _outputs(endpoint: Endpoint) -> list[tuple[str, str]]:
    absent = {"stale": not endpoint.views, "flags": not endpoint.examines}
    absent |= dict.fromkeys(("lower", "upper"), not endpoint.bounded)
    return [(name, kind) for name, kind in outputs(endpoint).items() if not absent.get(name)]


def _config_type(datatype: str) -> str:
    return "TYPE_STRING" if datatype in ("BYTES", "TIME") else f"TYPE_{datatype}"


def _input_metadata(each: Input) -> dict[str, Any]:
    timely = each.datatype == "TIME"
    parameters = {"required": each.required} | ({"format": "date-time"} if timely else {})
    return {
        "name": each.name,
        "datatype": "BYTES" if timely else each.datatype,
        "shape": [-1],
        "parameters": parameters,
    }


def server_metadata(version: str) -> dict[str, Any]:
    """Server metadata."""
    return {"name": "argosy", "version": version, "extensions": list(_EXTENSIONS)}


def is_ready(endpoint: Endpoint) -> bool:
    """Whether some version can answer some row."""
    return endpoint.pooled.champion is not None or any(r.champion or r.canary for r in endpoint.routes.values())
