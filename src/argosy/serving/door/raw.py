"""Tensors as bytes: little-endian elements, and each text behind its length in four bytes.

The binary extension of the Open Inference Protocol sends them so, and its gRPC form.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from argosy.errors import InputError

_NUMBERS = {
    **{f"INT{bits}": f"<i{bits // 8}" for bits in (8, 16, 32, 64)},
    **{f"UINT{bits}": f"<u{bits // 8}" for bits in (8, 16, 32, 64)},
    **{f"FP{bits}": f"<f{bits // 8}" for bits in (16, 32, 64)},
}
_LENGTH = 4


def counted(name: str, datatype: str, size: int) -> int:
    """How many elements but texts stand in so many bytes; raises InputError for a type that has none."""
    return size // _width(name, datatype)


def unpacked(name: str, datatype: str, data: bytes) -> list[Any]:
    """The elements of a tensor, where a number that is not one is None; raises InputError that names the tensor."""
    if datatype == "BYTES":
        return _texts(name, data)
    width = _width(name, datatype)
    if len(data) % width:
        raise InputError(
            f"the input {name!r} holds {len(data)} bytes, no multiple of the {width} of a {datatype}",
            next="send its elements one behind the other, little-endian",
        )
    if datatype == "BOOL":
        truths: list[bool] = (np.frombuffer(data, np.uint8) != 0).tolist()
        return truths
    if datatype == "BF16":
        return finite(name, (np.frombuffer(data, "<u2").astype("<u4") << 16).view("<f4"))
    found = np.frombuffer(data, _dtype(name, datatype))
    return finite(name, found) if found.dtype.kind == "f" else found.tolist()


def packed(datatype: str, values: Sequence[Any]) -> bytes:
    """The bytes of a tensor of BOOL, FP64 or BYTES; None is a number that is not one, and an empty text."""
    if datatype == "BYTES":
        texts = [(value or "").encode() for value in values]
        return b"".join(part for text in texts for part in (len(text).to_bytes(_LENGTH, "little"), text))
    return np.array(values, np.bool_ if datatype == "BOOL" else _NUMBERS[datatype]).tobytes()


def _width(name: str, datatype: str) -> int:
    return 1 if datatype == "BOOL" else 2 if datatype == "BF16" else np.dtype(_dtype(name, datatype)).itemsize


def _dtype(name: str, datatype: str) -> str:
    found = _NUMBERS.get(datatype)
    if found is None:
        known = ", ".join(["BOOL", *_NUMBERS, "BF16", "BYTES"])
        raise InputError(f"the input {name!r} is {datatype[:20]!r}, which has no bytes", next=f"send one of {known}")
    return found


def finite(name: str, found: np.ndarray[Any, np.dtype[Any]]) -> list[Any]:
    """Floats as Python values, NaN as None; raises InputError for one that is infinite."""
    values: list[Any] = found.tolist()
    finite = np.isfinite(found)
    if finite.all():
        return values
    if (infinite := np.flatnonzero(np.isinf(found))).size:
        raise InputError(
            f"the input {name!r} holds {values[infinite[0]]} in row {infinite[0]}, wanted a finite number",
            next="send NaN for a missing one",
        )
    return [value if good else None for value, good in zip(values, finite.tolist(), strict=True)]


def _texts(name: str, data: bytes) -> list[str]:
    found: list[str] = []
    at, size = 0, len(data)
    while at < size:
        end = at + _LENGTH + int.from_bytes(data[at : at + _LENGTH], "little")
        if at + _LENGTH > size or end > size:
            raise InputError(
                f"the input {name!r} ends within its text {len(found)}",
                next="send each text behind its length in four bytes, little-endian",
            )
        try:
            found.append(data[at + _LENGTH : end].decode())
        except UnicodeDecodeError as error:
            raise InputError(
                f"the input {name!r} holds in row {len(found)} what is no UTF-8: {error.reason}", next="send UTF-8"
            ) from error
        at = end
    return found
