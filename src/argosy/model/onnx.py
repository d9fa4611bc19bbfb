"""ONNX models, scored by onnxruntime on one thread."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from argosy.errors import CorruptError, InputError
from argosy.model import kernel
from argosy.model.background import BACKGROUND, unpacked
from argosy.model.matrix import Matrix, checked
from argosy.model.space import Space, log_odds

_DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml"})
_QUIET = 4
# Resident size over the length of the bytes, measured on forests.
_MEMORY_PER_BYTE = 5.0
_MEMORY_FIXED = 60_000


class Onnx:
    """A graph with one float input (rows x features) and the outputs of a classifier or a regressor.

    Computes in the graph's own precision, as a rule float32. Thread-safe: a session's run is.
    """

    def __init__(self, data: bytes, *, known: bool = False) -> None:
        if not known:
            check_graph(data)
        self._session = _session(data)
        inputs = self._session.get_inputs()
        shape = inputs[0].shape if len(inputs) == 1 else []
        if len(shape) != 2 or not isinstance(shape[1], int) or inputs[0].type not in _TYPES:
            raise CorruptError(
                f"an ONNX model with the inputs {[(i.name, i.type, i.shape) for i in inputs]}",
                next="export it with one float tensor input of shape (rows, features)",
            )
        self.features: int = shape[1]
        self._input, self._dtype = inputs[0].name, _TYPES[inputs[0].type]
        self._output = [self._session.get_outputs()[-1].name]
        self.bytes_in_memory = int(len(data) * _MEMORY_PER_BYTE) + _MEMORY_FIXED
        self.space: Space = "log_odds" if self._probe() == 2 else "value"
        self._link = log_odds if self.space == "log_odds" else np.asarray

    def _probe(self) -> int:
        """How many numbers the graph gives for a row: one, or the probabilities of two classes."""
        answer = np.asarray(self._run(np.zeros((1, self.features))))
        width = answer.shape[1] if answer.ndim == 2 else 1
        if answer.dtype.kind != "f" or answer.size != width or width > 2:
            raise CorruptError(
                "an ONNX model whose last output is neither a value nor the probabilities of two classes",
                next="export it with zipmap off and at most two classes",
            )
        return width

    def predict(self, matrix: Matrix) -> npt.NDArray[np.float64]:
        """See `Model.predict`."""
        rows = checked(matrix, self.features)
        if not len(rows):
            return np.empty(0)
        answer: npt.NDArray[np.floating] = self._run(rows)
        last = answer if answer.ndim == 1 else answer[:, -1]
        return np.ascontiguousarray(last, dtype=np.float64)

    def explain(self, matrix: Matrix) -> Matrix:
        """See `Model.explain`: kernel SHAP against the rows that the graph carries as its background."""
        rows = checked(matrix, self.features)
        return kernel.explain(self.predict, self._link, rows, self._background())

    def _background(self) -> Matrix:
        text = self._session.get_modelmeta().custom_metadata_map.get(BACKGROUND)
        if text is None:
            raise InputError(
                "the ONNX model carries no background rows to explain answers against",
                next="train the version again: those trained since explanations are there carry some",
            )
        return unpacked(text, self.features)

    def _run(self, rows: Matrix) -> npt.NDArray[np.floating]:
        with np.errstate(over="ignore"):
            feed = {self._input: rows.astype(self._dtype)}
        try:
            answer: npt.NDArray[np.floating] = self._session.run(self._output, feed)[0]
        except Exception as error:  # onnxruntime's own exceptions share no narrower root
            raise CorruptError(f"the ONNX model fails: {_first(error)}", next="register the version again") from error
        return answer


_TYPES = {"tensor(float)": np.float32, "tensor(double)": np.float64}


def check_graph(data: bytes) -> None:
    """Raises unless the bytes are one self-contained graph of standard operators.

    CorruptError for bytes that are no ONNX model, InputError for weights outside the file and for
    operators of another domain: both would reach beyond the bytes.
    """
    import onnx  # half a second that a server with registered models never needs

    try:
        model = onnx.load_model_from_string(data)
        onnx.checker.check_model(model)
    except Exception as error:  # protobuf and the checker raise types of their own
        raise CorruptError(f"these bytes are not an ONNX model: {_first(error)}", next="export it again") from error
    foreign = sorted({entry.domain for entry in model.opset_import} - _DOMAINS)
    if foreign or model.functions:
        raise InputError(f"the ONNX model needs operators of {foreign or 'its own'}", next="export standard operators")
    if any(tensor.external_data or tensor.data_location for tensor in _tensors(model.graph)):
        raise InputError("the ONNX model keeps weights in another file", next="export it as one file")


def _tensors(graph: Any) -> list[Any]:
    """All tensors of a graph, those of its attributes and sub-graphs among them."""
    found = list(graph.initializer)
    for sparse in graph.sparse_initializer:
        found += [sparse.values, sparse.indices]
    for node in graph.node:
        for attribute in node.attribute:
            found += [attribute.t, *attribute.tensors, attribute.sparse_tensor.values, attribute.sparse_tensor.indices]
            for inner in (attribute.g, *attribute.graphs):
                found += _tensors(inner)
    return found


def _session(data: bytes) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.log_severity_level = _QUIET
    try:
        return ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own exceptions share no narrower root
        raise CorruptError(f"onnxruntime refuses the model: {_first(error)}", next="export it again") from error


def _first(error: Exception) -> str:
    return str(error).strip().split("\n")[0][:200]
