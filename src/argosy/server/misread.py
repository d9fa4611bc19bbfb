"""What of a request could not be read: the field, its value, what is allowed, and the next step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args, get_type_hints

from litestar import Request
from litestar.exceptions import HTTPException

from argosy.server.act import Order

VERBS: tuple[str, ...] = get_args(get_type_hints(Order)["verb"])
_SHOWN = 40
_BODY = f'send {{"verb": …, "address": "FLEET/KEY@NUMBER", "reason": "…"}}, verb one of {", ".join(VERBS)}'


def told(request: Request[Any, Any, Any], error: HTTPException) -> tuple[str, str]:
    """(What was wrong, what to do), in words; the second is empty where there is nothing to say."""
    route = f"{request.method} {request.url.path[:200]}"
    faults = [each for each in error.extra if isinstance(each, dict)] if isinstance(error.extra, list) else []
    if not faults:
        return f"{route}: {error.detail}", _BODY if error.status_code == 400 and request.method == "POST" else ""
    found = [_told(request, fault) for fault in faults]
    return f"{route}: {'; '.join(said for said, _ in found)}", "; ".join(dict.fromkeys(next for _, next in found))


def _told(request: Request[Any, Any, Any], fault: Mapping[str, Any]) -> tuple[str, str]:
    key, said = str(fault.get("key", "")), str(fault.get("message", ""))
    if key in request.query_params:
        value = request.query_params[key][:_SHOWN]
        if "`int`" in said:
            return f"{key} is {value!r}, which is no whole number", f"write {key}=50, or leave {key} out"
        return f"{key} is {value!r}: {said}", f"correct {key}, or leave it out"
    if key == "verb":
        return f"verb: {said}", f"use one of {', '.join(VERBS)}"
    return (f"{key}: {said}" if key in Order.__struct_fields__ else f"the body: {said}"), _BODY
