"""Pruning of a network's weights: the smallest become zero, and layers of mostly zeros are stored without them.

By magnitude, in standard deviations of the layer, after Han, Pool, Tran and Dally, "Learning both Weights and
Connections for Efficient Neural Networks" (NeurIPS 28, 2015); what is left is not trained again.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from argosy.errors import InputError
from argosy.metric import known, measure
from argosy.metric.measure import score
from argosy.model.format import load
from argosy.training.optimise.quantise import PRODUCTS
from argosy.training.rows import Block

_SHARES = tuple(share / 20 for share in range(19, 13, -1))
"""Of weights that may go, the most first. Below two thirds, the places of those that stay take more than is saved."""
_PLACE, _FLOAT = 8, 1

Weights = dict[str, npt.NDArray[np.float32]]


def prune_weights(data: bytes, judges: Block, metric: str, tolerance: float) -> tuple[bytes, float]:
    """The ONNX model with as few weights as keep its score on some rows good enough, and the share that it has left.

    Good enough is a score that is worse than that of all weights by at most a share of `tolerance`. Raises InputError
    for a model without products of matrices, and where too few weights may go for the file to become smaller.
    """
    import onnx  # half a second: only who prunes pays

    given = onnx.load_model_from_string(data)
    weights = _weights(given.graph)
    if not weights:
        raise InputError(
            "it multiplies no matrices of weights, so there are none to prune",
            next="distil it: --method distil",
        )
    whole = measure(metric, judges.labels, load("onnx", data, known=True).predict(judges.matrix)).value
    sizes = np.concatenate([np.abs(each).ravel() / (each.std() or 1.0) for each in weights.values()])
    for limit in np.quantile(sizes, _SHARES).tolist():
        thin = {name: np.where(np.abs(each) > limit * (each.std() or 1.0), each, 0) for name, each in weights.items()}
        made = _stored(data, thin)
        found = score(metric, judges.labels, load("onnx", made).predict(judges.matrix))
        if known(metric).gain(found, whole) >= -tolerance * abs(whole):
            left = sum(np.count_nonzero(each) for each in thin.values()) / sizes.size
            return made, float(left)
    raise InputError(
        f"without {_SHARES[-1]:.0%} of its {sizes.size:,} weights {metric} is worse by more than {tolerance:.2%} of "
        f"{whole:.4g} on {len(judges.labels)} rows, and with more the file is no smaller",
        next="allow more with --tolerance, or quantise it: --method quantise",
    )


def _weights(graph: Any) -> Weights:
    """The matrices in float32 that the graph multiplies by, by name."""
    from onnx import numpy_helper

    asked = {name for node in graph.node if node.op_type in PRODUCTS for name in node.input}
    found = [each for each in graph.initializer if each.name in asked and each.data_type == _FLOAT]
    return {each.name: numpy_helper.to_array(each) for each in found if len(each.dims) == 2}


def _stored(data: bytes, thin: Weights) -> bytes:
    """The model with these weights, those matrices as sparse tensors that are smaller so."""
    import onnx
    from onnx import helper, numpy_helper

    model = onnx.load_model_from_string(data)
    others = [each for each in model.graph.initializer if each.name not in thin]
    for name, each in thin.items():
        places = np.flatnonzero(each).astype(np.int64)
        values = each.ravel()[places].astype(np.float32)
        if places.size * (_PLACE + values.itemsize) >= each.size * values.itemsize or not places.size:
            others.append(numpy_helper.from_array(each.astype(np.float32), name))
            continue
        packed = helper.make_sparse_tensor(
            numpy_helper.from_array(values, name), numpy_helper.from_array(places), list(each.shape)
        )
        model.graph.sparse_initializer.append(packed)
    del model.graph.initializer[:]
    model.graph.initializer.extend(others)
    made: bytes = model.SerializeToString()
    return made
