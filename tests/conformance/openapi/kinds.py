"""For Schemathesis: bodies of kinds that it does not know are bytes as they were drawn."""

from __future__ import annotations

from typing import Any

import schemathesis

_STREAM, _FILE = "application/vnd.apache.arrow.stream", "application/vnd.apache.arrow.file"


@schemathesis.serializer(_STREAM, _FILE)
def arrow(context: Any, value: Any) -> bytes:
    return value if isinstance(value, bytes) else repr(value).encode()


@schemathesis.deserializer(_STREAM, _FILE)
def table(context: Any, response: Any) -> str:
    return "a table"
