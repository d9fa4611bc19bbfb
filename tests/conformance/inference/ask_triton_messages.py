"""The messages of Triton's own client: number, type and shape of each field. Prints them."""

from __future__ import annotations

import json
import sys
from typing import Any

from tritonclient.grpc import model_config_pb2, service_pb2


def fields(kind: Any) -> dict[str, list[Any]]:
    """Number, type and shape of each field of a message, those of its nested ones too."""
    found = {
        each.name: [each.number, each.type, each.is_repeated, each.message_type and each.message_type.name]
        for each in kind.fields
    }
    nested = [(each.name, fields(each)) for each in kind.nested_types]
    return found | {f"{name}.{field}": told for name, inner in nested for field, told in inner.items()}


kinds = {**service_pb2.DESCRIPTOR.message_types_by_name, **model_config_pb2.DESCRIPTOR.message_types_by_name}
found = {name: fields(kind) for name, kind in kinds.items()}
sys.stdout.write(json.dumps({"messages": found, "types": dict(model_config_pb2.DataType.items())}))
