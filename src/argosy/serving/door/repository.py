"""The model repository of the Open Inference Protocol: a fleet is in it because it is declared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from argosy.errors import InputError
from argosy.serving.door.json import decoded
from argosy.serving.door.metadata import is_ready
from argosy.serving.request import Refused
from argosy.serving.routing import Endpoint, Routing


class _Index(msgspec.Struct):
    ready: bool = False


class _Load(msgspec.Struct):
    parameters: dict[str, Any] = {}


_index: Callable[[bytes], _Index] = msgspec.json.Decoder(_Index).decode
_load: Callable[[bytes], _Load] = msgspec.json.Decoder(_Load).decode


def index(body: bytes, routing: Routing) -> list[dict[str, str]]:
    """Every fleet and whether it can answer; with `ready`, those that can."""
    ready = bool(body) and decoded(_index, body, "send {}, or whether `ready` ones alone are asked for").ready
    found = sorted(routing.endpoints.items())
    return [{"name": name, **_state(each)} for name, each in found if not ready or is_ready(each)]


def check_load(body: bytes, endpoint: Endpoint) -> None:
    """Raises InputError where a client brings a configuration or files: what is served is registered."""
    given = decoded(_load, body, "send {}").parameters if body else {}
    if given:
        raise InputError(
            f"fleet {endpoint.fleet!r} is loaded as it is registered, without {next(iter(given))[:40]!r}",
            next="load it without parameters; argosy apply and argosy train change what is registered",
        )


def kept(endpoint: Endpoint) -> Refused:
    """Why a fleet is not unloaded."""
    return Refused(
        409,
        f"fleet {endpoint.fleet!r} is served because it is declared",
        next="withdraw its declaration; idle models leave memory by themselves",
    )


def _state(endpoint: Endpoint) -> dict[str, str]:
    if is_ready(endpoint):
        return {"state": "READY", "reason": ""}
    return {"state": "UNAVAILABLE", "reason": "no member has a version that may answer"}
