"""JSON Schemas of what the doors take and tell: rows by the inputs of a fleet, the rest as it is decoded."""

from __future__ import annotations

from typing import Any

import msgspec

from argosy.serving.door import infer, records
from argosy.serving.door.output import OUTPUTS
from argosy.serving.routing import Endpoint, Input

Schema = dict[str, Any]
_TYPES: dict[str, Schema] = {
    "BOOL": {"type": "boolean"},
    "INT64": {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1},
    "FP64": {"type": "number"},
    "BYTES": {"type": "string"},
    "TIME": {"type": "string", "format": "date-time"},
}
TEXT: Schema = {"type": "string"}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_LOOSE: Schema = {"type": "object"}


def ref(name: str) -> Schema:
    """A schema by its name among the components."""
    return {"$ref": f"#/components/schemas/{name}"}


def row(endpoint: Endpoint) -> Schema:
    """One row of a fleet as a JSON object."""
    refused = endpoint.rules.missing == "refuse"
    return {
        "type": "object",
        "properties": {each.name: _value(each, key=each.name in endpoint.by) for each in endpoint.inputs},
        "required": [each.name for each in endpoint.inputs if each.required and (refused or each.name in endpoint.by)],
        "additionalProperties": endpoint.rules.unknown != "refuse",
    }


def rows(endpoint: Endpoint) -> Schema:
    """The bodies of `/predict`: a list of rows, or an object with `records`."""
    several = {"type": "array", "items": ref(f"{endpoint.fleet}.row"), "minItems": 1}
    beside = records_schema()["properties"] | {"records": several}
    whole = {"type": "object", "properties": beside, "required": ["records"], "additionalProperties": False}
    return {"anyOf": [several, whole]}


def scored(endpoint: Endpoint) -> Schema:
    """The bodies of `/invocations`: rows in one of the forms of MLflow's."""
    one = ref(f"{endpoint.fleet}.row")
    names = {"type": "array", "items": TEXT}
    forms: dict[str, Schema] = {
        "dataframe_split": _object(columns=names, data={"type": "array", "items": {"type": "array"}}),
        "dataframe_records": {"type": "array", "items": one, "minItems": 1},
        "instances": {"anyOf": [{"type": "array", "minItems": 1}, _LOOSE]},
        "inputs": {"anyOf": [{"type": "array", "minItems": 1}, _LOOSE]},
    }
    closed = {"additionalProperties": False}
    return {
        "oneOf": [
            _object(**{form: each}) | closed | {"properties": {form: each, "params": _LOOSE}}
            for form, each in forms.items()
        ]
    }


def records_schema() -> Schema:
    """That of the object of `/predict`."""
    found: Schema = msgspec.json.schema_components([records.RecordsRequest])[1]["RecordsRequest"]
    return found


def components() -> dict[str, Schema]:
    """The schemas that are the same for all fleets, by name."""
    template = "#/components/schemas/{name}"
    _, found = msgspec.json.schema_components([infer.InferRequest, infer.InferResponse], ref_template=template)
    told = {name: _TYPES[datatype] for name, datatype in OUTPUTS.items() if name not in ("stale", "flags")}
    more = {"stale": _TYPES["BOOL"], "flags": TEXT, "explanation": _LOOSE}
    answered = _object(**told)
    answered["properties"] |= more
    tensor = _object(name=TEXT, datatype=TEXT, shape={"type": "array", "items": {"type": "integer"}})
    stated = _object(success=_object(count=_COUNT), fail=_object(count=_COUNT))
    counted = _object(name=TEXT, version=TEXT, inference_count=_COUNT, execution_count=_COUNT, inference_stats=stated)
    return found | {
        "Error": _object(error=TEXT),
        "Live": _object(live=_TYPES["BOOL"]),
        "Ready": _object(ready=_TYPES["BOOL"]),
        "Server": _object(name=TEXT, version=TEXT, extensions=_many(TEXT)),
        "Model": _object(name=TEXT, versions=_many(TEXT), platform=TEXT, inputs=_many(tensor), outputs=_many(tensor)),
        "ModelReady": _object(name=TEXT, ready=_TYPES["BOOL"]),
        "Config": _object(name=TEXT, platform=TEXT, backend=TEXT, input=_many(_LOOSE), output=_many(_LOOSE)),
        "Statistics": _object(model_stats=_many(counted)),
        "Index": _many(_object(name=TEXT, state={"enum": ["READY", "UNAVAILABLE"]}, reason=TEXT)),
        "Loaded": _object(name=TEXT, versions=_COUNT),
        "Flushed": _object(rows=_COUNT),
        "Predictions": _object(id=TEXT, predictions=_many(answered)),
        "Scores": _object(predictions={"type": "array", "items": {"type": ["number", "object"]}}),
    }


def _value(each: Input, *, key: bool) -> Schema:
    found = _TYPES[each.datatype]
    return found if key else found | {"type": [found["type"], "null"]}


def _many(of: Schema) -> Schema:
    return {"type": "array", "items": of}


def _object(**properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": list(properties)}
