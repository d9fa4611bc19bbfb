"""CatBoost as an ONNX graph, by its own exporter.

Its library is 300 MB where it is unpacked and loads as much with it, so only those who train have it: a server scores
the graph.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import onnx

_RELEASE, _OPSET = 8, 18
"""The exporter names an older release of the format, and no operators but those of trees: not what is built upon."""
_QUIET = frozenset({"verbose", "verbose_eval", "silent", "logging_level"})
_SEEDS = frozenset({"random_seed", "random_state"})
_ALONE = {"thread_count": 1, "allow_writing_files": False}


def is_catboost(estimator: Any) -> bool:
    """Whether an estimator is one of CatBoost's classes, fitted or not."""
    return any(kind.__module__ == "catboost.core" for kind in type(estimator).__mro__)


def settled(given: dict[str, Any], seed: int) -> dict[str, Any]:
    """Parameters beside those that are given: one thread, a seed, and nothing that is printed or written to files."""
    ours: dict[str, Any] = dict(_ALONE)
    if not _QUIET & given.keys():
        ours["verbose"] = False
    if not _SEEDS & given.keys():
        ours["random_seed"] = seed
    return ours


def graph(estimator: Any) -> onnx.ModelProto:
    """The graph of a fitted estimator: its last output is a matrix: the value, or the probabilities of two classes.

    Raises what the exporter raises, as for features that it splits as categories.
    """
    with TemporaryDirectory(prefix="argosy-catboost-") as folder:
        place = Path(folder, "model.onnx")
        estimator.save_model(str(place), format="onnx")
        made = onnx.load(place)
    nodes, outputs = made.graph.node, made.graph.output
    if nodes[-1].op_type == "ZipMap":
        tensor = nodes.pop().input[0]
        del outputs[-1]
        outputs.append(onnx.helper.make_tensor_value_info(tensor, onnx.TensorProto.FLOAT, [None, 2]))
    else:  # it states one dimension, and gives two
        name = outputs[-1].name
        outputs[-1].CopyFrom(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [None, 1]))
    made.ir_version = _RELEASE
    made.opset_import.add(domain="", version=_OPSET)
    return made
