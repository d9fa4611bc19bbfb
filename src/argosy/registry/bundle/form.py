"""What onnxruntime runs of a version: a graph, or for an ensemble the graphs of its parts and the rule between them."""

from __future__ import annotations

from typing import Any

import msgspec

from argosy.errors import InputError
from argosy.model import boosted, conversion, ensemble, forest
from argosy.model.format import load
from argosy.model.single import single

_PROVEN = {"onnx": 0.0, "lightgbm": 1e-12, "xgboost": 1e-5}
_TESTED = {"onnx": 1e-5, "lightgbm": 1e-9, "xgboost": 1e-5}
_PER_TREE = 1e-7
"""What XGBoost's sums in float32 may be apart from ours with each tree: half a unit in the last place is 6e-8."""
_BLENDED = 10
"""How many times as far the parts' log-odds, which are steep near 0 and 1, may bring the answers of a blend."""


class Form(msgspec.Struct, frozen=True):
    """A version for onnxruntime: `model` as the schema tells of it, and the graphs by the names of their files.

    `proven` and `tested` are how far answers may be from the version's as a share of the largest: here, and elsewhere,
    where a release may round otherwise. `levels` are those of its quantiles, where it has some.
    """

    model: Any
    graphs: dict[str, bytes]
    proven: float
    tested: float
    levels: tuple[float, ...] = ()


def form(name: str, format: str, data: bytes) -> Form:
    """The form of a version that is called `name`. Raises InputError for one that has none."""
    if format != ensemble.FORMAT:
        graph, least = _graph(name, format, data), _rounded(data) if format == "xgboost" else 0.0
        return Form("model.onnx", {"model.onnx": graph}, max(_PROVEN[format], least), max(_TESTED[format], least))
    rule, parts = ensemble.unpack(data)
    graphs, found = dict[str, bytes](), list[Form]()
    for place, (kind, part) in enumerate(parts):
        made = form(f"part {place + 1} of {name}", kind, part)
        renamed = {file: f"model{place}{file.removeprefix('model')}" for file in made.graphs}
        graphs |= {renamed[file]: graph for file, graph in made.graphs.items()}
        found.append(msgspec.structs.replace(made, model=_named(made.model, renamed)))
    proven, tested = max(each.proven for each in found), max(each.tested for each in found)
    told: dict[str, Any] = {"parts": [each.model for each in found]}
    if isinstance(rule, ensemble.Quantiles):
        told |= {"rule": "quantiles", "levels": rule.levels, "middle": rule.middle}
        return Form(told, graphs, proven, tested, rule.levels)
    if isinstance(rule, ensemble.Blend):
        space = load(format, data, known=True).space
        told |= {"rule": "blend", "weights": rule.weights, "space": space}
        return Form(told, graphs, proven * _BLENDED, tested * _BLENDED)
    slack = found[0].proven  # an answer on the very edge must not be sure here, and unsure there
    told |= {"rule": "cascade", "low": rule.low + slack, "high": rule.high - slack}
    return Form(told, graphs, proven, tested)


def _rounded(data: bytes) -> float:
    """How far the answers of XGBoost may be from those that are summed in float64."""
    return _PER_TREE * len(forest.read(data).trees)


def _named(model: Any, names: dict[str, str]) -> Any:
    """The same with other names of files."""
    return names[model] if isinstance(model, str) else {**model, "parts": [_named(p, names) for p in model["parts"]]}


def _graph(name: str, format: str, data: bytes) -> bytes:
    if format == "onnx":
        return single(data)
    if format == "lightgbm":
        return conversion.convert(data)
    if format == "xgboost":
        return boosted.convert(data)
    raise InputError(
        f"{name} is in the format {format!r}, which onnxruntime does not run",
        next="pack a version whose format is lightgbm, xgboost or onnx: argosy get versions",
    )
