from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
import pytest
import xgboost

from argosy.errors import CorruptError
from argosy.model.ubjson import read

MADE = xgboost.train(
    {"objective": "reg:squarederror", "nthread": 1, "max_depth": 3},
    xgboost.DMatrix(np.arange(40.0).reshape(20, 2), np.arange(20.0)), 4,
)  # fmt: skip


def plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return [float(np.float32(each)) for each in value.tolist()]
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return float(np.float32(value)) if isinstance(value, int | float) else value


def test_it_reads_what_xgboost_writes_as_json() -> None:
    assert plain(read(bytes(MADE.save_raw("ubj")))) == plain(json.loads(bytes(MADE.save_raw("json"))))


def named(name: bytes, value: bytes) -> bytes:
    return b"L" + struct.pack(">q", len(name)) + name + value


def test_every_kind_of_value_is_read() -> None:
    inside = [
        named(b"a", b"i\xff"), named(b"b", b"U\xff"), named(b"c", b"I\xff\xfe"), named(b"d", b"l\0\0\0\1"),
        named(b"e", b"d" + struct.pack(">f", 0.5)), named(b"f", b"D" + struct.pack(">d", 0.1)), named(b"g", b"T"),
        named(b"h", b"F"), named(b"i", b"Z"), named(b"j", b"S" + named("ö".encode(), b"")),
        named(b"k", b"[#L" + struct.pack(">q", 2) + b"i\1T"),
    ]  # fmt: skip
    assert read(b"{" + b"".join(inside) + b"}") == {
        "a": -1, "b": 255, "c": -2, "d": 1, "e": 0.5, "f": 0.1, "g": True, "h": False, "i": None, "j": "ö",
        "k": [1, True],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "before it is whole"),
        (b"i\1", "not one object"),
        (b"{}x", "not one object"),
        (b"{" + named(b"a", b"T") * 2 + b"}", "'a' comes twice"),
        (b"{" + named(b"a", b"S" + named(b"\xff", b"")) + b"}", "no text"),
        (b"{" + named(b"a", b"[#L" + struct.pack(">q", 10**12)) + b"}", "beyond its end"),
        (b"{" + named(b"a", b"[#L" + struct.pack(">q", -1)) + b"}", "beyond its end"),
        (b"{" + named(b"a", b"[$S#L" + struct.pack(">q", 1)) + b"}", "no type of numbers"),
        (b"{" + named(b"a", b"[$d#L" + struct.pack(">q", 2) + b"\0" * 6) + b"}", "before it is whole"),
        (b"{" + named(b"a", b"[T]") + b"}", "does not say its length"),
        (b"{" + named(b"a", b"?") + b"}", "starts no value"),
        (b"{Sa", "states no length"),
        (b"{" + named(b"a", b"{") * 40, "deeper than 16"),
    ],
)
def test_anything_else_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(CorruptError, match=why):
        read(data)
