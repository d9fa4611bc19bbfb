"""What is refused, as MLflow's clients are told it: a code, a status that says whether to try again, and words."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from argosy.errors import (
    ArgosyError,
    CapacityError,
    ConflictError,
    DeniedError,
    InputError,
    TakenError,
    UnknownError,
)

INVALID, EXISTS, UNKNOWN = "INVALID_PARAMETER_VALUE", "RESOURCE_ALREADY_EXISTS", "RESOURCE_DOES_NOT_EXIST"
NO_ENDPOINT, DENIED, BUSY, LIMITED = (
    "ENDPOINT_NOT_FOUND",
    "PERMISSION_DENIED",
    "TEMPORARILY_UNAVAILABLE",
    "REQUEST_LIMIT_EXCEEDED",
)
NO_ROOM, INTERNAL = "RESOURCE_EXHAUSTED", "INTERNAL_ERROR"
_STATUSES = {
    INVALID: 400, EXISTS: 400, "BAD_REQUEST": 400, "UNAUTHENTICATED": 401, DENIED: 403, UNKNOWN: 404, NO_ENDPOINT: 404,
    LIMITED: 429, INTERNAL: 500, BUSY: 503, NO_ROOM: 507,
}  # fmt: skip
"""Clients ask again after 408, 429, 500, 502, 503 and 504: a request that cannot be meant never answers with one."""
_KINDS: tuple[tuple[type[ArgosyError], str], ...] = (
    (UnknownError, UNKNOWN), (TakenError, EXISTS), (DeniedError, DENIED), (InputError, INVALID), (ConflictError, BUSY),
    (CapacityError, NO_ROOM),
)  # fmt: skip
_MORE = " See the API docs for more information about request parameters."


class Fault(Exception):
    """A refusal: `code` is one of MLflow's error codes."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message

    @property
    def status(self) -> int:
        """Of HTTP."""
        return _STATUSES[self.code]

    def body(self) -> bytes:
        """As JSON."""
        return msgspec.json.encode({"error_code": self.code, "message": self.message})


def told(error: ArgosyError) -> Fault:
    """An error of ours in MLflow's words."""
    code = next((code for kind, code in _KINDS if isinstance(error, kind)), INTERNAL)
    return Fault(code, f"{error.message} ({error.next})" if error.next else error.message)


def missing(name: str) -> Fault:
    """That a field is needed."""
    return Fault(INVALID, f"Missing value for required parameter '{name}'.{_MORE}")


def invalid(name: str, value: Any, hint: str = "") -> Fault:
    """That a field cannot have this value."""
    shown = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)[:1000]
    return Fault(INVALID, f"Invalid value {shown} for parameter '{name}' supplied.{f' {hint}' if hint else ''}")


def mistyped(name: str, value: Any) -> Fault:
    """That a field is not of its type."""
    shown = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)[:1000]
    hint = f"Hint: Value was of type '{type(value).__name__}'."
    return Fault(INVALID, f"Invalid value {shown} for parameter '{name}' supplied:  {hint}{_MORE}")
