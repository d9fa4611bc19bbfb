"""Messages of the Open Inference Protocol's gRPC service, made from the table of their fields.

The numbers and the types are the protocol; the names are those that it publishes. Both dialects in use are here: where
KServe and Triton number a field differently, it says so. The classes live in a pool of their own, so that a process
which has loaded other definitions of the package `inference` can load these.
"""

from __future__ import annotations

from typing import Any

from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

PACKAGE = "inference"
SERVICE = f"{PACKAGE}.GRPCInferenceService"
_NAMED = {"name": (1, "string"), "version": (2, "string")}
_METADATA_TENSOR = "ModelMetadataResponse.TensorMetadata"
_PARAMETERS = "map InferParameter"
_LOADING = {
    "repository_name": (1, "string"),  # KServe's clients write the model's name here: they have no repositories
    "model_name": (2, "string"),
    "parameters": (3, "map ModelRepositoryParameter"),
}
_TYPES = ("INVALID", "BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64")
_ENUMS = {"DataType": [f"TYPE_{each}" for each in (*_TYPES, "FP16", "FP32", "FP64", "STRING", "BF16")]}
_MESSAGES: dict[str, dict[str, tuple[int, str]]] = {
    "ServerLiveRequest": {},
    "ServerLiveResponse": {"live": (1, "bool")},
    "ServerReadyRequest": {},
    "ServerReadyResponse": {"ready": (1, "bool")},
    "ModelReadyRequest": _NAMED,
    "ModelReadyResponse": {"ready": (1, "bool")},
    "ServerMetadataRequest": {},
    "ServerMetadataResponse": {**_NAMED, "extensions": (3, "repeated string")},
    "ModelMetadataRequest": _NAMED,
    "ModelMetadataResponse": {
        "name": (1, "string"),
        "versions": (2, "repeated string"),
        "platform": (3, "string"),
        "inputs": (4, f"repeated {_METADATA_TENSOR}"),
        "outputs": (5, f"repeated {_METADATA_TENSOR}"),
    },
    _METADATA_TENSOR: {"name": (1, "string"), "datatype": (2, "string"), "shape": (3, "repeated int64")},
    "InferParameter": {
        "bool_param": (1, "oneof bool"),
        "int64_param": (2, "oneof int64"),
        "string_param": (3, "oneof string"),
        "double_param": (4, "oneof double"),
        "uint64_param": (5, "oneof uint64"),
    },
    "InferTensorContents": {
        "bool_contents": (1, "repeated bool"),
        "int_contents": (2, "repeated int32"),
        "int64_contents": (3, "repeated int64"),
        "uint_contents": (4, "repeated uint32"),
        "uint64_contents": (5, "repeated uint64"),
        "fp32_contents": (6, "repeated float"),
        "fp64_contents": (7, "repeated double"),
        "bytes_contents": (8, "repeated bytes"),
    },
    "ModelInferRequest": {
        "model_name": (1, "string"),
        "model_version": (2, "string"),
        "id": (3, "string"),
        "parameters": (4, _PARAMETERS),
        "inputs": (5, "repeated ModelInferRequest.InferInputTensor"),
        "outputs": (6, "repeated ModelInferRequest.InferRequestedOutputTensor"),
        "raw_input_contents": (7, "repeated bytes"),
    },
    "ModelInferRequest.InferInputTensor": {
        "name": (1, "string"),
        "datatype": (2, "string"),
        "shape": (3, "repeated int64"),
        "parameters": (4, _PARAMETERS),
        "contents": (5, "InferTensorContents"),
    },
    "ModelInferRequest.InferRequestedOutputTensor": {"name": (1, "string"), "parameters": (2, _PARAMETERS)},
    "ModelInferResponse": {
        "model_name": (1, "string"),
        "model_version": (2, "string"),
        "id": (3, "string"),
        "parameters": (4, _PARAMETERS),
        "outputs": (5, "repeated ModelInferResponse.InferOutputTensor"),
        "raw_output_contents": (6, "repeated bytes"),
    },
    "ModelInferResponse.InferOutputTensor": {
        "name": (1, "string"),
        "datatype": (2, "string"),
        "shape": (3, "repeated int64"),
        "parameters": (4, _PARAMETERS),
        "contents": (5, "InferTensorContents"),
    },
    "ModelStreamInferResponse": {"error_message": (1, "string"), "infer_response": (2, "ModelInferResponse")},
    "RepositoryIndexRequest": {"repository_name": (1, "string"), "ready": (2, "bool")},
    "RepositoryIndexResponse": {"models": (1, "repeated RepositoryIndexResponse.ModelIndex")},
    "RepositoryIndexResponse.ModelIndex": {**_NAMED, "state": (3, "string"), "reason": (4, "string")},
    # Of Triton's configuration and statistics, what there is to say here.
    "ModelConfigRequest": _NAMED,
    "ModelConfigResponse": {"config": (1, "ModelConfig")},
    "ModelConfig": {
        "name": (1, "string"),
        "platform": (2, "string"),
        "version_policy": (3, "ModelVersionPolicy"),
        "max_batch_size": (4, "int32"),
        "input": (5, "repeated ModelInput"),
        "output": (6, "repeated ModelOutput"),
        "parameters": (14, "map ModelParameter"),
        "backend": (17, "string"),
    },
    "ModelVersionPolicy": {"specific": (3, "ModelVersionPolicy.Specific")},
    "ModelVersionPolicy.Specific": {"versions": (1, "repeated int64")},
    "ModelInput": {
        "name": (1, "string"),
        "data_type": (2, "DataType"),
        "dims": (4, "repeated int64"),
        "optional": (8, "bool"),
    },
    "ModelOutput": {"name": (1, "string"), "data_type": (2, "DataType"), "dims": (3, "repeated int64")},
    "ModelParameter": {"string_value": (1, "string")},
    "ModelStatisticsRequest": _NAMED,
    "ModelStatisticsResponse": {"model_stats": (1, "repeated ModelStatistics")},
    "ModelStatistics": {
        **_NAMED,
        "inference_count": (4, "uint64"),
        "execution_count": (5, "uint64"),
        "inference_stats": (6, "InferStatistics"),
    },
    "InferStatistics": {"success": (1, "StatisticDuration"), "fail": (2, "StatisticDuration")},
    "StatisticDuration": {"count": (1, "uint64"), "ns": (2, "uint64")},
    "ModelRepositoryParameter": {
        "bool_param": (1, "oneof bool"),
        "int64_param": (2, "oneof int64"),
        "string_param": (3, "oneof string"),
        "bytes_param": (4, "oneof bytes"),
    },
    "RepositoryModelLoadRequest": _LOADING,
    "RepositoryModelLoadResponse": {
        "model_name": (1, "string"),  # these two are KServe's; Triton's answer is empty
        "isLoaded": (2, "bool"),
    },
    "RepositoryModelUnloadRequest": _LOADING,
    "RepositoryModelUnloadResponse": {},
    # These two are of the package grpc.health.v1; a package has no place in the bytes of a message.
    "HealthCheckRequest": {"service": (1, "string")},
    "HealthCheckResponse": {"status": (1, "int32")},
}


def _file() -> FileDescriptorProto:
    """The descriptor of all messages, nested ones within those that hold them."""
    found = FileDescriptorProto(name="argosy/inference.proto", package=PACKAGE, syntax="proto3")
    for name, values in _ENUMS.items():
        enum = found.enum_type.add(name=name)
        for number, value in enumerate(values):
            enum.value.add(name=value, number=number)
    places: dict[str, DescriptorProto] = {}
    for name, fields in _MESSAGES.items():
        outer, _, own = name.rpartition(".")
        place = places[outer].nested_type.add() if outer else found.message_type.add()
        places[name] = place
        place.name = own
        for field, (number, type) in fields.items():
            _add(place, f".{PACKAGE}.{name}", field, number, type)
    return found


def _add(place: DescriptorProto, address: str, name: str, number: int, type: str) -> None:
    """One field. `type` names a scalar, an enum or a message, after what it is: repeated, oneof, map (from strings)."""
    how, _, kind = type.rpartition(" ")
    field = place.field.add(name=name, number=number, label=FieldDescriptorProto.LABEL_OPTIONAL)
    if how == "oneof":
        if not place.oneof_decl:
            place.oneof_decl.add(name="parameter_choice")
        field.oneof_index = 0
    elif how:
        field.label = FieldDescriptorProto.LABEL_REPEATED
    if how == "map":
        entry = place.nested_type.add(name=f"{name.capitalize()}Entry")
        entry.options.map_entry = True
        _add(entry, "", "key", 1, "string")
        _add(entry, "", "value", 2, kind)
        field.type, field.type_name = FieldDescriptorProto.TYPE_MESSAGE, f"{address}.{entry.name}"
    elif kind in _ENUMS:
        field.type, field.type_name = FieldDescriptorProto.TYPE_ENUM, f".{PACKAGE}.{kind}"
    elif kind[0].isupper():
        field.type, field.type_name = FieldDescriptorProto.TYPE_MESSAGE, f".{PACKAGE}.{kind}"
    else:
        field.type = FieldDescriptorProto.Type.Value(f"TYPE_{kind.upper()}")


_POOL = DescriptorPool()
_POOL.Add(_file())


def message(name: str) -> Any:
    """The class of a message, by its name in the package."""
    return GetMessageClass(_POOL.FindMessageTypeByName(f"{PACKAGE}.{name}"))
