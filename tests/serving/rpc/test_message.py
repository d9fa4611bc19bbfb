"""Messages are those of the protocol, down to their bytes."""

from __future__ import annotations

from argosy.serving.rpc.message import message


def test_a_request_has_the_bytes_that_the_protocol_gives_it() -> None:
    request = message("ModelInferRequest")(model_name="f", id="7", raw_input_contents=[b"\1"])
    request.inputs.add(name="x", datatype="FP64", shape=[1]).contents.fp64_contents.append(0.5)
    request.parameters["at"].string_param = "event"
    half = b"\0\0\0\0\0\0\xe0\x3f"
    tensor = b"\x0a\x01x\x12\x04FP64\x1a\x01\x01\x2a\x0a\x3a\x08" + half
    parameter = b"\x0a\x02at\x12\x07\x1a\x05event"
    parts = [b"\x0a\x01f", b"\x1a\x017", b"\x22" + bytes([len(parameter)]) + parameter]
    parts += [b"\x2a" + bytes([len(tensor)]) + tensor, b"\x3a\x01\1"]
    assert request.SerializeToString(deterministic=True) == b"".join(parts)
    assert message("ModelInferRequest").FromString(b"".join(parts)) == request


def test_a_parameter_is_one_of_its_choices() -> None:
    parameter = message("InferParameter")(bool_param=True)
    parameter.uint64_param = 2**63
    assert parameter.WhichOneof("parameter_choice") == "uint64_param" and not parameter.bool_param


def test_both_dialects_name_the_model_to_load() -> None:
    request = message("RepositoryModelLoadRequest")
    triton, kserve = request.FromString(b"\x12\x01f"), request.FromString(b"\x0a\x01f")
    assert (triton.model_name, kserve.repository_name) == ("f", "f")
