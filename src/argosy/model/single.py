"""An ONNX graph that gives one value a row, as `Model.predict` does, to whoever runs it by a runtime of their own."""

from __future__ import annotations

from argosy.errors import InputError

NAME = "prediction"


def single(data: bytes) -> bytes:
    """The same graph with one output, `prediction`: of a classifier the probability of the second class.

    The rows that it explains its answers against stay behind: they are of the training set.
    Raises InputError for a graph whose last output has neither one dimension nor two.
    """
    import onnx  # half a second that a server seldom needs
    from onnx import TensorProto, helper

    model = onnx.load_model_from_string(data)
    graph, last = model.graph, model.graph.output[-1]
    kind, rank = last.type.tensor_type.elem_type, len(last.type.tensor_type.shape.dim)
    if rank == 2:
        graph.initializer.append(helper.make_tensor(f"{NAME}_column", TensorProto.INT64, [], [-1]))
        node = helper.make_node("Gather", [last.name, f"{NAME}_column"], [NAME], axis=1)
    elif rank == 1:
        node = helper.make_node("Identity", [last.name], [NAME])
    else:
        raise InputError(
            f"an ONNX model whose output {last.name!r} has {rank} dimensions",
            next="ask Argosy's own servers to predict",
        )
    graph.node.append(node)
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info(NAME, kind, [None]))
    del model.metadata_props[:]
    made: bytes = model.SerializeToString()
    return made
