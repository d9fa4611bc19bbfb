"""What the Open Inference Protocol tells of the server and of its models: metadata, readiness, the repository."""

from __future__ import annotations

from typing import Any

from argosy.serving.door.output import OUTPUTS
from argosy.serving.routing import Endpoint, Input, Routing


def model_metadata(endpoint: Endpoint) -> dict[str, Any]:
    """Model metadata; TIME inputs are BYTES with a format, and inputs that may be left out say so."""
    return {
        "name": endpoint.fleet,
        "versions": [],
        "platform": "argosy_fleet",
        "inputs": [_input_metadata(each) for each in endpoint.inputs],
        "outputs": [
            {"name": name, "datatype": datatype, "shape": [-1]}
            for name, datatype in OUTPUTS.items()
            if name != "stale" or endpoint.views
        ],
        "parameters": {"task": endpoint.task, "by": list(endpoint.by)},
    }


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
    return {"name": "argosy", "version": version, "extensions": ["model_repository"]}


def repository_index(routing: Routing) -> list[dict[str, str]]:
    """Every fleet and whether it can answer."""
    return [{"name": name, **_state(endpoint)} for name, endpoint in sorted(routing.endpoints.items())]


def is_ready(endpoint: Endpoint) -> bool:
    """Whether some version can answer some row."""
    return endpoint.pooled.champion is not None or any(r.champion or r.canary for r in endpoint.routes.values())


def _state(endpoint: Endpoint) -> dict[str, str]:
    if is_ready(endpoint):
        return {"state": "READY", "reason": ""}
    return {"state": "UNAVAILABLE", "reason": "no member has a version that may answer"}
