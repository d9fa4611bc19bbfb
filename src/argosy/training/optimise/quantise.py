"""Dynamic quantisation: the weights of a network's layers as whole numbers of eight bits."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path

from argosy.errors import InputError

_PRODUCTS, _QUANTISED = {"MatMul", "Gemm"}, "MatMulInteger"
_KNOWN = {"", "ai.onnx", "ai.onnx.ml"}


def quantise(data: bytes) -> bytes:
    """An ONNX model whose matrix products are computed in eight bits, a quarter of their size.

    What goes into a product is scaled anew for each batch. Raises InputError for a model without products of matrices:
    linear models and trees are operators of their own, which have no such form.
    """
    import onnx  # half a second, and the next as much: only who quantises pays
    from onnxruntime.quantization import QuantType, quantize_dynamic

    given = onnx.load_model_from_string(data)
    if not any(node.op_type in _PRODUCTS for node in given.graph.node):
        raise _nothing()
    with tempfile.TemporaryDirectory(prefix="argosy-quantise-") as folder:
        path = Path(folder, "model.onnx")
        level = logging.root.level
        logging.root.setLevel(logging.ERROR)  # it recommends steps that graphs of networks alone can take
        try:
            quantize_dynamic(given, path, weight_type=QuantType.QInt8)
        finally:
            logging.root.setLevel(level)
        model = onnx.load(path)
    if not any(node.op_type == _QUANTISED for node in model.graph.node):
        raise _nothing()
    kept = [entry for entry in model.opset_import if entry.domain in _KNOWN]
    del model.opset_import[:]
    model.opset_import.extend(kept)
    made: bytes = model.SerializeToString()
    return made


def _nothing() -> InputError:
    return InputError(
        "it multiplies no matrices of weights, so there is nothing to quantise",
        next="prune it, or distil it: --method prune, --method distil",
    )
