"""JSON of any size: one object a line, or a list of objects."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl

from argosy.controller.scoring import block
from argosy.errors import InputError

_MARKS = np.isin(np.arange(256), list(b'"{}[]'))
_QUOTE, _OPENING = ord('"'), np.array(list(b"{["), np.uint8)
_ESCAPE = re.compile(rb"\\.", re.DOTALL)
_WHITE = b" \t\r\n"
_KINDS: dict[type, str] = {bool: "truth", int: "number", float: "number", str: "text", list: "list", dict: "object"}
_decode = msgspec.json.Decoder(dict[str, Any]).decode


def scan(path: Path) -> tuple[pl.LazyFrame, bool]:
    """See `block.scan`. What the first character is tells lines from a list.

    A column of values of several kinds is text, and one that some objects lack is null there.
    """
    with path.open("rb") as file:
        head = file.read(1 << 16).lstrip(_WHITE)[:1]
    if head == b"[":
        return block.scan(path, lambda: listed(path), _parser(path, "object"))
    return block.scan(path, lambda: lines(path), _parser(path, "line"))


def lines(path: Path, size: int = block.BLOCK) -> Iterator[block.Block]:
    """The text by blocks of whole lines, and the lines before each."""
    return block.whole(path, 0, size, lambda data: data.rfind(b"\n") + 1)


def listed(path: Path, size: int = block.BLOCK) -> Iterator[block.Block]:
    """The objects of a list by blocks, one a line, and how many are before each. Raises InputError for no such list."""
    with path.open("rb") as file:
        rest, count, before = b"", 0, b"["
        while data := file.read(size):
            rest += data
            spans = _spans(rest)
            for (_, end), (start, _) in pairwise([(0, 0), *spans]):
                if rest[end:start].strip(_WHITE) != before:
                    raise _broken(path, count, rest[end:])
                before = b","
                count += 1
            if spans:
                text = rest.replace(b"\n", b"\r")  # white space, too, and no more allowed within a text
                yield b"\n".join([text[start:end] for start, end in spans]), count - len(spans)
                rest = rest[spans[-1][1] :]
            elif len(rest) > block.RECORD:
                raise block.endless(path, f"what follows {count:,} objects of the list")
    if b"".join(rest.split()) != (b"]" if count else b"[]"):
        raise _broken(path, count, rest)


def _spans(data: bytes) -> list[tuple[int, int]]:
    """Where the values of a list that are whole begin and end, in text that begins between two of them."""
    plain = _ESCAPE.sub(b"__", data) if b"\\" in data else data
    array = np.frombuffer(plain, np.uint8)
    places = np.flatnonzero(_MARKS[array])
    quotes = array[places] == _QUOTE
    places = places[~quotes & (np.cumsum(quotes) % 2 == 0)]
    steps = np.where(np.isin(array[places], _OPENING), 1, -1)
    depth = np.cumsum(steps)
    own = int(data.lstrip(_WHITE).startswith(b"["))  # the bracket of the list itself
    starts, ends = places[(depth == own + 1) & (steps > 0)], places[(depth == own) & (steps < 0)] + 1
    return list(zip(starts.tolist(), ends.tolist(), strict=False))


def _broken(path: Path, count: int, text: bytes) -> InputError:
    shown = text[:200].strip(_WHITE)[:40].decode("utf-8", "replace")
    goes = f"goes on with {shown!r}" if shown else "does not end"
    return InputError(
        f"{path}: after {count:,} objects the list {goes}", next="write a list of objects, or one object a line"
    )  # fmt: skip


def _parser(path: Path, unit: str) -> block.Parse:
    """Reads objects, one a line; a `unit` is what they are counted by in messages."""

    def parse(text: bytes, skipped: int, types: block.Schema) -> pl.DataFrame:
        if not text.strip(_WHITE):
            return pl.DataFrame(schema=types)
        if types:
            return pl.read_ndjson(text, schema=dict(types))
        try:
            return pl.read_ndjson(text, infer_schema_length=None)
        except pl.exceptions.PolarsError:
            mixed = _mixed(text, lambda place: f"{path}, {unit} {skipped + place:,}")
            return pl.read_ndjson(text, infer_schema_length=None, schema_overrides=dict.fromkeys(mixed, pl.String()))

    return parse


def _mixed(text: bytes, where: Callable[[int], str]) -> list[str]:
    """The columns that hold several kinds of values, or such as hold others. Raises InputError for a broken line."""
    kinds: dict[str, set[str]] = {}
    for place, line in enumerate(text.split(b"\n"), 1):
        if line.strip(_WHITE):
            try:
                row = _decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                raise InputError(f"{where(place)} is no JSON object: {error}", next="mend it") from None
            for name, value in row.items():
                if value is not None:
                    kinds.setdefault(name, set()).add(_KINDS[type(value)])
    return [name for name, found in kinds.items() if len(found) > 1 or found & {"list", "object"}]
