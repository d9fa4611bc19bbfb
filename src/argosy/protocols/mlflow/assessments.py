"""What is thought of traces: feedback and expectations, added, changed and removed."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from sqlalchemy import Connection

from argosy.protocols.mlflow import limit, view
from argosy.protocols.mlflow.endpoint import Endpoint, Request
from argosy.protocols.mlflow.fault import INVALID, Fault, missing
from argosy.store.traces import assessments
from argosy.store.traces.assessments import Assessment
from argosy.store.tracking.changes import Hand

_PREFIX = "/api/3.0/mlflow/"
_MOST = 1 << 20
_UPPER = re.compile(r"[A-Z]")
_PARTS = ("feedback", "expectation", "rationale", "metadata", "source", "span_id")


class Given(msgspec.Struct, omit_defaults=True):
    """An assessment as a client says it."""

    assessment_name: str | None = None
    source: dict[str, Any] | None = None
    create_time: str | None = None
    last_update_time: str | None = None
    feedback: dict[str, Any] | None = None
    expectation: dict[str, Any] | None = None
    rationale: str | None = None
    metadata: dict[str, str] | None = None
    span_id: str | None = None
    overrides: str | None = None
    valid: bool | None = None


class OfAssessment(Request, kw_only=True):
    """A request about an assessment of a trace."""

    trace_id: str | None = None
    assessment_id: str | None = None


class Create(OfAssessment, kw_only=True):
    """traces/{trace_id}/assessments."""

    assessment: Given | None = None


class Update(Create, kw_only=True):
    """PATCH traces/{trace_id}/assessments/{assessment_id}: which parts to change, parted by commas."""

    update_mask: str | None = None


def create(tx: Connection, hand: Hand, request: Create) -> dict[str, Any]:
    """Add one."""
    trace = request.trace_id or ""
    made = assessments.add(tx, trace, of_given(request.assessment or Given(), hand), hand)
    return {"assessment": view.assessment(trace, made)}


def get(conn: Connection, request: OfAssessment) -> dict[str, Any]:
    """One."""
    trace = request.trace_id or ""
    return {"assessment": view.assessment(trace, assessments.get(conn, trace, request.assessment_id or ""))}


def update(tx: Connection, hand: Hand, request: Update) -> dict[str, Any]:
    """Other parts of one."""
    trace, given = request.trace_id or "", request.assessment or Given()
    known = assessments.get(tx, trace, request.assessment_id or "")
    paths = {_UPPER.sub(lambda found: f"_{found[0].lower()}", each) for each in (request.update_mask or "").split(",")}
    parts = msgspec.to_builtins(given)
    body = {**known.body, **{name: parts.get(name) for name in _PARTS if name in paths}}
    body = {name: value for name, value in body.items() if value is not None}
    new = of_given(msgspec.convert({**body, "assessment_name": known.name, "valid": known.valid}, Given), hand)
    if "assessment_name" in paths and given.assessment_name:
        new = new._replace(name=limit.length(given.assessment_name, limit.KEY, "assessment_name"))
    new = new._replace(
        assessment=known.assessment, overrides=known.overrides,
        valid=known.valid if "valid" not in paths or given.valid is None else given.valid,
        body={**new.body, "last_update_time": view.moment(limit.milliseconds(hand.at))},
    )  # fmt: skip
    assessments.change(tx, trace, new, hand)
    return {"assessment": view.assessment(trace, new)}


def delete(tx: Connection, hand: Hand, request: OfAssessment) -> None:
    """None any more."""
    assessments.delete(tx, request.trace_id or "", request.assessment_id or "", hand)


def of_given(given: Given, hand: Hand) -> Assessment:
    """What a client says, checked; its times are now unless it says when."""
    if not given.assessment_name:
        raise missing("assessment.assessment_name")
    if (given.feedback is None) is (given.expectation is None):
        raise Fault(INVALID, "An assessment has either a feedback or an expectation.")
    now = view.moment(limit.milliseconds(hand.at))
    body = msgspec.to_builtins(given)
    for name in ("assessment_name", "overrides", "valid"):
        body.pop(name, None)
    body = {"create_time": now, "last_update_time": now, **body}
    if len(msgspec.json.encode(body)) > _MOST:
        raise Fault(INVALID, f"The assessment is larger than {_MOST:,} bytes; put what is large into an artifact.")
    kind = "feedback" if given.feedback is not None else "expectation"
    name = limit.length(given.assessment_name, limit.KEY, "assessment_name")
    value = limit.length(_value(body[kind]), _MOST, f"assessment.{kind}")
    return Assessment("", kind, name, value, given.valid is not False, given.overrides, body)


def _value(said: dict[str, Any]) -> str:
    """A feedback or an expectation as text: a text is itself, all else is JSON."""
    serialized = said.get("serialized_value")
    value = serialized.get("value") if isinstance(serialized, dict) else said.get("value")
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


ENDPOINTS = [
    Endpoint(
        "POST", "traces/{trace_id}/assessments", Create, create, needs=("assessment",), writes=True, prefix=_PREFIX
    ),
    Endpoint("GET", "traces/{trace_id}/assessments/{assessment_id}", OfAssessment, get, prefix=_PREFIX),
    Endpoint(
        "PATCH", "traces/{trace_id}/assessments/{assessment_id}", Update, update,
        needs=("assessment", "update_mask"), writes=True, prefix=_PREFIX,
    ),
    Endpoint(
        "DELETE", "traces/{trace_id}/assessments/{assessment_id}", OfAssessment, delete, writes=True, prefix=_PREFIX
    ),
]  # fmt: skip
