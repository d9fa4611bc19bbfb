"""`GET /openapi.json`: every request that is answered here and what is told, as OpenAPI 3.1, for the fleets of now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from argosy.serving.door import arrow, binary, schema
from argosy.serving.door.invocations import CSV
from argosy.serving.door.schema import Schema, ref
from argosy.serving.limits import MAX_ID
from argosy.serving.routing import Endpoint, Routing

_JSON, _PLAIN = "application/json", "text/plain"
_WHY = {
    400: "the request does not fit",
    401: "there is no token, or a wrong one",
    403: "the token may only look",
    404: "nobody of that name, or nobody answers",
    409: "what is asked stands against what is declared",
    413: "the body is too large",
    415: "the body is of another kind",
    421: "the Host is not served here",
    429: "there is as much to do as there may be: Retry-After says when to come back",
    500: "a version fails on a row",
    503: "not ready",
    504: "not answered in its time",
    507: "answered rows cannot be written",
}
_LOOKED = (401, 404, 421)
_WRITTEN = (400, 401, 403, 404, 413, 415, 421, 429, 504)
_SCORED = (*_WRITTEN, 500, 507)
_NUMBER = {"name": "number", "in": "path", "required": True, "schema": schema.TEXT}
_BESIDE = [
    {"name": "id", "in": "query", "schema": schema.TEXT | {"maxLength": MAX_ID}},
    {"name": "at", "in": "query", "schema": schema.TEXT},
    {"name": "explain", "in": "query", "schema": {"enum": ["true", "false"]}},
]


def document(routing: Routing, version: str) -> Schema:
    """The document. A path that names a fleet is there once for each, since their rows differ."""
    paths: Schema = dict(_PATHS)
    components = schema.components()
    for endpoint in routing.endpoints.values():
        paths |= _of(endpoint)
        components[f"{endpoint.fleet}.row"] = schema.row(endpoint)
    if len(routing.endpoints) == 1:
        [only] = routing.endpoints.values()
        paths["/invocations"] = _scored(only, "the rows of the only fleet, in MLflow's forms")
    return {
        "openapi": "3.1.0",
        "info": {"title": "Argosy: inference", "version": version},
        "security": [{"token": []}],
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    }


def _of(endpoint: Endpoint) -> Schema:
    """The paths of one fleet."""
    fleet = endpoint.fleet
    model, numbered = f"/v2/models/{fleet}", f"/v2/models/{fleet}/versions/{{number}}"
    found: Schema = {
        f"{model}/stats": {"get": _looked(f"what {fleet} has answered", "Statistics")},
        f"/predict/{fleet}": {"post": _predict(endpoint)},
        f"/invocations/{fleet}": _scored(endpoint, f"rows of {fleet}, in MLflow's forms"),
        f"/endpoints/{fleet}/invocations": _scored(endpoint, f"rows of {fleet}, as mlflow.deployments sends them"),
        f"/v2/repository/models/{fleet}/load": {"post": _posted(f"load {fleet}", _WRITTEN, "Loaded", _bodies(_LOOSE))},
        f"/v2/repository/models/{fleet}/unload": {
            "post": {
                "summary": f"refused: {fleet} is served because it is declared",
                "responses": _errors(401, 403, 409, 421, 429),
            }
        },
    }
    for path, more in ((model, []), (numbered, [_NUMBER])):
        parts: Schema = {
            path: {"get": _looked(f"inputs and outputs of {fleet}", "Model")},
            f"{path}/config": {"get": _looked(f"the same in Triton's words: {fleet}", "Config")},
            f"{path}/ready": {"get": _readied(f"whether {fleet} can answer", "ModelReady")},
            f"{path}/infer": {"post": _infer(fleet)},
        }
        found |= {each: held | ({"parameters": more} if more else {}) for each, held in parts.items()}
    return found


def _infer(fleet: str) -> Schema:
    bodies = {_JSON: {"schema": ref("InferRequest")}, binary.OCTETS.decode(): {"schema": {}}}
    answers = {_JSON: {"schema": ref("InferResponse")}, binary.OCTETS.decode(): {"schema": {}}}
    return _posted(f"rows of {fleet}, a tensor a column", _SCORED, answers, bodies)


def _predict(endpoint: Endpoint) -> Schema:
    tables: Schema = {kind.decode(): {"schema": {}} for kind in (arrow.STREAM, arrow.FILE)}
    bodies = {_JSON: {"schema": schema.rows(endpoint)}} | tables
    answers = {_JSON: {"schema": ref("Predictions")}} | tables
    found = _posted(f"rows of {endpoint.fleet}, as records or as Arrow", _SCORED, answers, bodies)
    return found | {"parameters": _BESIDE}


def _scored(endpoint: Endpoint, summary: str) -> Schema:
    bodies = {_JSON: {"schema": schema.scored(endpoint)}, CSV.decode(): {"schema": schema.TEXT}}
    return {"post": _posted(summary, _SCORED, "Scores", bodies)}


def _bodies(of: Schema) -> Schema:
    return {_JSON: {"schema": of}}


def _looked(summary: str, told: str | Schema) -> Schema:
    return {"summary": summary, "responses": {"200": _answer(told), **_errors(*_LOOKED)}}


def _readied(summary: str, told: str | Schema) -> Schema:
    found = _looked(summary, told)
    found["responses"]["503"] = _answer(told, _WHY[503])
    return found


def _posted(summary: str, statuses: Sequence[int], told: str | Schema, bodies: Schema | None = None) -> Schema:
    found: Schema = {"summary": summary, "responses": {"200": _answer(told), **_errors(*statuses)}}
    return found if bodies is None else found | {"requestBody": {"content": bodies, "required": True}}


def _answer(told: str | Schema, why: str = "the answer") -> Schema:
    """An answer of JSON, by the name of its schema, or by the kinds that it may have."""
    return {"description": why, "content": _bodies(ref(told)) if isinstance(told, str) else told}


def _errors(*statuses: int) -> dict[str, Any]:
    return {str(each): {"description": _WHY[each], "content": _bodies(ref("Error"))} for each in statuses}


def _open(found: Schema) -> Schema:
    """What needs no token."""
    return found | {"security": []}


_LOOSE: Schema = {"type": "object"}
_TEXT: Schema = {_PLAIN: {"schema": schema.TEXT}}
_READY = {"type": "object", "properties": {"ready": {"type": "boolean"}}}
_PATHS: Schema = {
    "/v2": {"get": _looked("this server", "Server")},
    "/v2/health/live": {"get": _open(_looked("whether it runs", "Live"))},
    "/v2/health/ready": {"get": _open(_readied("whether it can answer", "Ready"))},
    "/v2/models/stats": {"get": _looked("what all fleets have answered", "Statistics")},
    "/v2/repository/index": {"post": _posted("all fleets", _WRITTEN, "Index", _bodies(_READY))},
    "/argosy/flush": {"post": _posted("wait until every answered row is on disk", (*_WRITTEN, 507), "Flushed")},
    "/metrics": {"get": _looked("counters, in Prometheus' text format", _TEXT)},
    "/ping": {"get": _open(_readied("whether it can answer, as MLflow's servers say it", _TEXT))},
    "/health": {"get": _readied("the same, for whoever has a token", _TEXT)},
    "/version": {"get": _looked("the version of Argosy", _TEXT)},
    "/openapi.json": {"get": _looked("this document", _bodies(_LOOSE))},
}
