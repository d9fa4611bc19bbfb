"""Endpoints: what a request holds, and the function that answers it."""

from __future__ import annotations

import re
import typing
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs

import msgspec

from argosy.protocols.mlflow.body import SMALL, UNREAD
from argosy.protocols.mlflow.fault import INVALID, Fault, invalid, mistyped
from argosy.protocols.mlflow.fault import missing as needed

PREFIX = "/api/2.0/mlflow/"
_PLACE = re.compile(r"`\$\.?([^`\[.]*)")
_FIELDS = 10_000
_SEGMENT = re.compile(r"\{(\w+)\}")


class Request(msgspec.Struct, kw_only=True):
    """The fields of a request; what is absent or null is None. Unknown fields are ignored, as clients differ."""


class OfRun(Request, kw_only=True):
    """A request about a run, which older clients name `run_uuid`."""

    run_id: str | None = None
    run_uuid: str | None = None

    @property
    def run(self) -> str:
        """The name of the run."""
        return self.run_id or self.run_uuid or ""


class Empty(Request, kw_only=True):
    """A request without fields."""


class Endpoint:
    """One method and path below the prefix; segments in braces are fields of the request.

    `act` is given (tx, hand, request) where it `writes`, else (conn, request); it returns what is encoded as JSON.
    """

    def __init__(
        self, method: str, path: str, request: type[Request], act: Callable[..., Any], *, needs: tuple[str, ...] = (),
        writes: bool = False, prefix: str = PREFIX,
    ) -> None:  # fmt: skip
        self.method, self.path, self.request, self.act = method, prefix + path, request, act
        self.needs, self.writes = needs, writes
        self._decoder = msgspec.json.Decoder(request, strict=False)

    @cached_property
    def pattern(self) -> re.Pattern[str] | None:
        """What its path is matched with; None for one without fields."""
        if "{" not in self.path:
            return None
        return re.compile(_SEGMENT.sub(lambda found: f"(?P<{found[1]}>[^/]+)", self.path))

    @cached_property
    def _lists(self) -> frozenset[str]:
        hints = typing.get_type_hints(self.request)
        return frozenset(name for name, kind in hints.items() if "list[" in str(kind))

    def read(self, body: bytes, query: bytes, segments: Mapping[str, str]) -> Request:
        """The request. Raises Fault for what is missing or mistyped, and for a zero byte, which no database takes."""
        if segments or self.method == "GET":
            given = self._loose(body) if self.method != "GET" else self._queried(query)
            found = self._converted({**given, **segments})
        else:
            found = self._decoded(body)
        if b"\\u0000" in body or b"%00" in query or "\0" in "".join(segments.values()):
            _check(msgspec.to_builtins(found), "body")
        for name in self.needs:
            value = getattr(found, name)
            if name == "run_id" and not value:
                value = getattr(found, "run_uuid", None)
            if value is None or value == "":
                raise needed(name)
        return found

    def _decoded(self, body: bytes) -> Request:
        try:
            return self._decoder.decode(body or b"{}")
        except UNREAD as error:
            return self._converted(self._loose(body, f": {error}"))

    def _loose(self, body: bytes, why: str = "") -> dict[str, Any]:
        if len(body) > SMALL:
            raise Fault(INVALID, f"the request is not understood{why}; send less than {SMALL:,} bytes at a time")
        try:
            found = msgspec.json.decode(body or b"{}")
            if isinstance(found, str):  # older clients encode twice
                found = msgspec.json.decode(found)
            found = _said({} if found is None else found)
        except UNREAD as error:
            raise Fault("BAD_REQUEST", f"the body is no JSON that can be read: {error}") from None
        if not isinstance(found, dict):
            raise Fault(INVALID, "the body must be a JSON object")
        return found

    def _queried(self, query: bytes) -> dict[str, Any]:
        try:
            found = parse_qs(query.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=_FIELDS)
        except ValueError:
            raise Fault(INVALID, f"the query has more than {_FIELDS:,} fields; ask for less at a time") from None
        return {name: values if name in self._lists else values[0] for name, values in found.items()}

    def _converted(self, given: dict[str, Any]) -> Request:
        for name in self.needs:
            if name not in given and not (name == "run_id" and "run_uuid" in given):
                raise needed(name)
        try:
            return msgspec.convert(given, self.request, strict=False)
        except msgspec.ValidationError as error:
            place = _PLACE.search(str(error))
            name = place[1] if place else ""
            if name in self.needs and given.get(name) == "":
                raise needed(name) from None
            raise mistyped(name or "body", given.get(name)) from None


def _said(found: Any) -> Any:
    """JSON without the fields that are null: they are as if they were absent."""
    if isinstance(found, dict):
        return {name: _said(value) for name, value in found.items() if value is not None}
    return [_said(each) for each in found] if isinstance(found, list) else found


def _check(found: Any, name: str) -> None:
    """Raise Fault where a text within is with a zero byte."""
    if isinstance(found, str) and "\0" in found:
        raise invalid(name, found, "It holds a zero byte.")
    if isinstance(found, dict):
        for key, value in found.items():
            _check(key, name)
            _check(value, str(key))
    elif isinstance(found, list):
        for each in found:
            _check(each, name)
