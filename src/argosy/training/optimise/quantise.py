"""Quantisation: the weights of a network's layers as whole numbers of eight bits."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from argosy.errors import InputError
from argosy.training.rows import Matrix

PRODUCTS = {"MatMul", "Gemm"}
_KNOWN = {"", "ai.onnx", "ai.onnx.ml"}
_ROWS = 500


def quantise(data: bytes, rows: Matrix | None = None) -> bytes:
    """An ONNX model whose products of matrices are of eight bits, a quarter of their size.

    What goes into a product is scaled anew for each batch (dynamic); with `rows`, once and for all by some of these
    (static), which costs a single row less where layers are large. Raises InputError for a model without products of
    matrices: linear models and trees are operators of their own, which have no such form.
    """
    import onnx  # half a second, and the next as much: only who quantises pays
    from onnxruntime.quantization import QuantType, quantize_dynamic, quantize_static

    given = onnx.load_model_from_string(data)
    before = {tensor.name for tensor in given.graph.initializer}
    if not any(node.op_type in PRODUCTS for node in given.graph.node):
        raise _nothing()
    with tempfile.TemporaryDirectory(prefix="argosy-quantise-") as folder, _quiet():
        path = Path(folder, "model.onnx")
        if rows is None:
            quantize_dynamic(given, path, weight_type=QuantType.QInt8)
        else:
            quantize_static(given, path, _Samples(given, rows), weight_type=QuantType.QInt8)
        model = onnx.load(path)
    if {tensor.name for tensor in model.graph.initializer} <= before:
        raise _nothing()
    kept = [entry for entry in model.opset_import if entry.domain in _KNOWN]
    del model.opset_import[:]
    model.opset_import.extend(kept)
    made: bytes = model.SerializeToString()
    return made


class _Samples:
    """Rows by which a static form is scaled, as the library asks for them: one batch, then None."""

    def __init__(self, model: Any, rows: Matrix) -> None:
        from onnx import helper

        given = model.graph.input[0]
        kind = helper.tensor_dtype_to_np_dtype(given.type.tensor_type.elem_type)
        self._batches = iter([{given.name: rows[:: max(1, len(rows) // _ROWS)].astype(kind)}])

    def get_next(self) -> dict[str, Any] | None:
        """The next batch."""
        return next(self._batches, None)


@contextmanager
def _quiet() -> Iterator[None]:
    """Let the library keep its recommendations to itself: they are for graphs of other kinds of networks."""
    level = logging.root.level
    logging.root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logging.root.setLevel(level)


def _nothing() -> InputError:
    return InputError(
        "it multiplies no matrices of weights, so there is nothing to quantise",
        next="distil it: --method distil",
    )
