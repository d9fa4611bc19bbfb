"""Networks of torch within the graphs that skl2onnx makes, whatever stands before them or beside them.

An estimator of any class whose fit leaves a `torch.nn.Module` in its attribute `module_` has a portable form: its own
class computes nothing there that the module does not, but what makes probabilities of scores. torch is 700 MB where it
is unpacked, so only those who train have it: a server scores the graph.

The exporter is that of TorchScript's traces: measured, 3 ms for a small network, where that of `torch.export` takes a
second, and seven for the first.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from copy import deepcopy
from io import BytesIO
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from argosy.errors import DeclarationError
from argosy.model.matrix import Matrix

_RELEASE = 18
_PROBED = 64
_CLOSE = 1e-4
_OPTIONS = {"zipmap": [True, False, "columns"], "nocl": [True, False], "output_class_labels": [False, True]}


def is_torch(estimator: Any) -> bool:
    """Whether a fitted estimator keeps its network as `module_`."""
    kinds = type(getattr(estimator, "module_", None)).__mro__
    return any((kind.__module__, kind.__name__) == ("torch.nn.modules.module", "Module") for kind in kinds)


def seed(number: int) -> None:
    """Let networks that are made and fitted from now on be the same whenever they are, where torch is loaded."""
    if (torch := sys.modules.get("torch")) is not None:
        torch.manual_seed(number)


def register(estimator: Any) -> None:
    """Teach skl2onnx of this process the classes of the networks that a fitted estimator is, or is made of."""
    kinds = {type(each) for each in _parts(estimator) if is_torch(each)}
    if not kinds:
        return
    from skl2onnx import update_registered_converter  # seconds that only who exports such a model pays
    from skl2onnx.common.shape_calculator import (
        calculate_linear_classifier_output_shapes,
        calculate_linear_regressor_output_shapes,
    )

    for kind in kinds:
        if hasattr(kind, "predict_proba"):
            shapes, options = calculate_linear_classifier_output_shapes, {"options": _OPTIONS}
            update_registered_converter(kind, "ArgosyTorchClassifier", shapes, _classifier, **options)
        else:
            shapes = calculate_linear_regressor_output_shapes
            update_registered_converter(kind, "ArgosyTorchRegressor", shapes, _regressor)


def _parts(estimator: Any) -> Iterator[Any]:
    """An estimator and those that it is made of, fitted where its own fit has fitted them."""
    yield estimator
    inner = [part for _, part in getattr(estimator, "steps", ())]
    inner += [part for _, part, _ in getattr(estimator, "transformers_", ())]
    fitted = getattr(estimator, "estimators_", ())
    inner += fitted.ravel().tolist() if isinstance(fitted, np.ndarray) else list(fitted)
    inner += [getattr(estimator, name, None) for name in ("estimator_", "best_estimator_", "final_estimator_")]
    for part in inner:
        if hasattr(part, "get_params") and not isinstance(part, type):
            yield from _parts(part)


def _classifier(scope: Any, operator: Any, container: Any) -> None:
    """The number of the class, and the probabilities of two."""
    label, probabilities = (each.full_name for each in operator.outputs)
    both = _put(scope, operator, container, probabilities)
    container.add_node(
        "ArgMax", [both], [label], axis=1, keepdims=0, name=scope.get_unique_operator_name("ArgMax"),
    )  # fmt: skip


def _regressor(scope: Any, operator: Any, container: Any) -> None:
    _put(scope, operator, container, operator.outputs[0].full_name)


def _put(scope: Any, operator: Any, container: Any, out: str) -> str:
    """Add the network's nodes between the operator's input and `out`; the name of what they give in float32."""
    from skl2onnx.common.data_types import DoubleTensorType

    [given] = operator.inputs
    graph = _graph(operator.raw_operator, given.type.shape[1])
    names = {"": "", graph.input[0].name: str(scope.get_unique_variable_name("network_rows"))}

    def own(name: str) -> str:
        if name not in names:
            names[name] = str(scope.get_unique_variable_name(f"network_{name}"))
        return names[name]

    def add(kind: str, inputs: list[str], outputs: list[str], **attributes: Any) -> None:
        container.add_node(kind, inputs, outputs, name=scope.get_unique_operator_name(kind), **attributes)

    add("Cast", [given.full_name], [own(graph.input[0].name)], to=TensorProto.FLOAT)
    for weights in graph.initializer:
        value = numpy_helper.from_array(numpy_helper.to_array(weights), own(weights.name))
        add("Constant", [], [own(weights.name)], value=value)
    for node in graph.node:
        attributes = {each.name: helper.get_attribute_value(each) for each in node.attribute}
        if node.domain or any(isinstance(each, onnx.GraphProto) for each in attributes.values()):
            raise DeclarationError(
                f"{type(operator.raw_operator).__name__}.module_ takes other ways for other rows ({node.op_type})",
                next="let its forward compute the same for every row",
            )
        add(node.op_type, [own(name) for name in node.input], [own(name) for name in node.output], **attributes)
    last, wide = own(graph.output[0].name), isinstance(given.type, DoubleTensorType)
    add("Cast", [last], [out], to=TensorProto.DOUBLE if wide else TensorProto.FLOAT)
    return last


def _graph(estimator: Any, width: int | None) -> onnx.GraphProto:
    """The graph of a network: from float32 [rows x width] to [rows x 1] values, or [rows x 2] probabilities."""
    import torch

    if width is None:
        raise DeclarationError(
            f"nobody knows how many columns {type(estimator).__name__} is given", next="put no step before it"
        )
    network = _answering(estimator, width).eval()
    written = BytesIO()
    axes = {"rows": {0: "count"}, "answers": {0: "count"}}
    torch.onnx.export(
        network, (torch.zeros(2, width),), written, dynamo=False, opset_version=_RELEASE, input_names=["rows"],
        output_names=["answers"], dynamic_axes=axes,
    )  # fmt: skip
    return onnx.load_model_from_string(written.getvalue()).graph


def _answering(estimator: Any, width: int) -> Any:
    """A network that answers as the estimator does: its module, and what makes probabilities of what that gives.

    Which that is, is tried on rows that are drawn, since the estimator does not say: nothing, softmax, or the logistic
    function. Raises DeclarationError where none of them gives what the estimator answers.
    """
    import torch

    module = deepcopy(estimator.module_).cpu().eval()
    rows = np.random.default_rng(0).normal(size=(_PROBED, width)).astype(np.float32)
    classifies = hasattr(estimator, "predict_proba")
    wanted = _wanted(estimator, rows.astype(np.float64), classifies=classifies)

    def both(chance: Any) -> Any:
        return torch.cat([1.0 - chance, chance], dim=1)

    rules = (
        {
            2: [lambda out: out, lambda out: torch.softmax(out, dim=1)],
            1: [both, lambda out: both(torch.sigmoid(out))],
        }
        if classifies
        else {1: [lambda out: out]}
    )

    class Answering(torch.nn.Module):  # type: ignore[misc]
        def __init__(self, rule: Any) -> None:
            super().__init__()
            self.module, self.rule = module, rule

        def forward(self, given: Any) -> Any:
            out = self.module(given)
            return self.rule(out if out.dim() == 2 else out.unsqueeze(1))

    with torch.no_grad():
        out = module(torch.from_numpy(rows))
        columns = int(out.shape[1]) if out.dim() == 2 else 1
        for rule in rules.get(columns, ()):
            network = Answering(rule)
            found = network(torch.from_numpy(rows)).numpy()
            if np.allclose(found, wanted, rtol=_CLOSE, atol=_CLOSE):
                return network
    raise DeclarationError(
        f"{type(estimator).__name__} answers otherwise than its module_, which gives {columns} "
        f"column{'s' if columns > 1 else ''}",
        next="let forward give the value, or the scores or probabilities of two classes, and change nothing after it",
    )


def _wanted(estimator: Any, rows: Matrix, *, classifies: bool) -> Any:
    """What the estimator says: [rows x 2] or [rows x 1]."""
    return estimator.predict_proba(rows) if classifies else np.reshape(estimator.predict(rows), (-1, 1))
