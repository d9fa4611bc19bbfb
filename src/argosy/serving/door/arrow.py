"""Arrow's stream and file formats: tables of plain columns in, the answers to their rows out.

The reader checks every offset, length and count before it follows it, and never makes more values than `MAX_CELLS`, or
longer texts than `MAX_TEXT` in all: a few bytes may be named as the text of every row.
Polars, which writes the answers, ends the process on some altered bytes, so it is not asked to read a stranger's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from io import BytesIO
from itertools import islice
from typing import Any

from argosy.errors import InputError
from argosy.serving.batch import Answer, Columns
from argosy.serving.door.flatbuffer import Table
from argosy.serving.door.output import told
from argosy.serving.door.vector import MAX_TEXT, Kind, Part, long, values
from argosy.serving.limits import MAX_CELLS, MAX_COLUMNS, MAX_ROWS

STREAM, FILE = b"application/vnd.apache.arrow.stream", b"application/vnd.apache.arrow.file"
_MAGIC, _CONTINUES = b"ARROW1", b"\xff\xff\xff\xff"
_SCHEMA, _DICTIONARY, _BATCH = 1, 2, 3
_PARTS = 16 * MAX_COLUMNS


class Reader:
    """Reads the `known` columns of one stream, or of one file from its beginning. Raises InputError."""

    def __init__(self, data: bytes, known: Collection[str]) -> None:
        self._data, self._known = data, known
        self._kinds: list[Kind] | None = None
        self._dictionaries: dict[int, list[Any]] = {}
        self.columns: Columns = {}
        self.others: list[str] = []
        self.rows = self._text = 0
        for kind, header, body in _messages(data):
            if kind == _SCHEMA and self._kinds is None:
                self._begin(header)
            elif self._kinds is None:
                raise InputError("the Arrow data does not begin with its schema", next="send it as it was written")
            elif kind == _DICTIONARY:
                self._learn(header, body)
            elif kind == _BATCH:
                self._add(header, body)
        if self._kinds is None:
            raise InputError("the body is no Arrow data", next="send what Arrow's stream or file writer wrote")

    def _begin(self, schema: Table) -> None:
        if schema.number(0, "h") != 0:
            raise InputError("the Arrow data is big-endian", next="write it on a little-endian machine")
        self._kinds = [Kind.of(field) for field in schema.tables(1, MAX_COLUMNS)]
        names = [kind.name for kind in self._kinds]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise InputError(f"the column {twice!r} comes twice", next="send one column of each name")
        self.columns = {name: [] for name in names if name in self._known}
        self.others = [name for name in names if name not in self._known]

    def _learn(self, header: Table, body: bytes) -> None:
        id, batch = header.number(0, "q"), header.table(1)
        kind = next((each for each in self._kinds or () if each.dictionary == id), None)
        if kind is None or batch is None:
            raise InputError(f"the Arrow data has a dictionary {id} of no column", next="send it as it was written")
        [(_, found)] = _decoded(batch, body, [kind.plain()], {}, lambda name: True)
        if not header.number(2, "B"):
            self._dictionaries[id] = []
        words = self._dictionaries.setdefault(id, [])
        if len(words) + len(found) > MAX_ROWS:
            raise InputError(f"the column {kind.name!r} has above {MAX_ROWS:,} categories", next="send it as texts")
        words += found

    def _add(self, batch: Table, body: bytes) -> None:
        self.rows += max(batch.number(0, "q"), 0)
        if self.rows > MAX_ROWS or self.rows * len(self.columns) > MAX_CELLS:
            raise InputError(
                f"{self.rows:,} rows of {len(self.columns)} columns",
                next=f"send at most {MAX_ROWS:,} rows and {MAX_CELLS:,} values in each request",
            )
        for name, found in _decoded(batch, body, self._kinds or [], self._dictionaries, self.columns.__contains__):
            self._text += sum(len(value) for value in found if type(value) is str)
            if self._text > MAX_TEXT:
                raise long(name)
            self.columns[name] += found


def response(answer: Answer, kind: bytes) -> bytes:
    """One row for each row: a column for each output, and for each feature's contribution where these are asked."""
    import polars as pl  # the server starts without it

    types = {"prediction": pl.Float64, "lower": pl.Float64, "upper": pl.Float64, "stale": pl.Boolean}
    types |= dict.fromkeys(answer.quantiles or (), pl.Float64)
    columns = [pl.Series(name, data, types.get(name, pl.String)) for name, data in told(answer).items()]
    if (why := answer.explanation) is not None:
        columns += [pl.Series(f"contribution.{name}", why.contributions[:, i]) for i, name in enumerate(why.names)]
        columns += [pl.Series("base", why.base, pl.Float64), pl.Series("space", why.space, pl.String)]
    frame = pl.DataFrame(columns)
    written, oldest = BytesIO(), pl.CompatLevel.oldest()
    if kind == FILE:
        frame.write_ipc(written, compat_level=oldest)
    else:
        frame.write_ipc_stream(written, compat_level=oldest)
    return written.getvalue()


def _messages(data: bytes) -> Iterator[tuple[int, Table, bytes]]:
    """Each message: what it is, its header and its body."""
    return _filed(data) if data.startswith(_MAGIC) else _streamed(data)


def _streamed(data: bytes) -> Iterator[tuple[int, Table, bytes]]:
    """Those of a stream, until its end is said or reached."""
    at = 0
    while data[at : at + 4] == _CONTINUES:
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        if size == 0:
            return
        message = Table.root(data[at + 8 : at + 8 + size])
        length, start = message.number(3, "q"), at + 8 + size
        yield _message(message, data, start, length)
        at = start + length
    if at < len(data):
        raise InputError(
            f"byte {at:,} of the body begins no Arrow message", next="send what Arrow's stream or file writer wrote"
        )


def _filed(data: bytes) -> Iterator[tuple[int, Table, bytes]]:
    """Those that the end of a file lists: its schema, its dictionaries and its batches."""
    size = int.from_bytes(data[-10:-6], "little")
    if data[-6:] != _MAGIC or not 0 < size <= len(data) - 18:
        raise InputError("the Arrow file has no end", next="send it whole")
    footer = Table.root(data[-10 - size : -10])
    schema = footer.table(1)
    if schema is None:
        raise InputError("the Arrow file has no schema", next="send it as it was written")
    yield _SCHEMA, schema, b""
    left = len(data)
    for at, head, length in [*footer.blocks(2, _PARTS), *footer.blocks(3, _PARTS)]:
        left -= head + length
        if not 0 <= at <= at + head <= len(data) or head < 8 or length < 0 or left < 0:
            raise InputError("the Arrow file has a batch beyond its end, or one twice", next="send it whole")
        message = Table.root(data[at + 8 : at + head])
        yield _message(message, data, at + head, length)


def _message(message: Table, data: bytes, start: int, length: int) -> tuple[int, Table, bytes]:
    header = message.table(2)
    if header is None or not 0 <= length <= len(data) - start:
        raise InputError("the Arrow data ends within a batch", next="send it whole")
    return message.number(1, "B"), header, data[start : start + length]


def _decoded(
    batch: Table, body: bytes, kinds: list[Kind], dictionaries: Mapping[int, list[Any]], wanted: Any
) -> Iterator[tuple[str, list[Any]]]:
    """The values of the wanted columns of a batch, by name."""
    if batch.table(3) is not None:
        raise InputError(
            "the Arrow data is compressed within", next="write it without compression; the body may be gzip"
        )
    rows, nodes, buffers = batch.number(0, "q"), batch.pairs(1, _PARTS), iter(batch.pairs(2, _PARTS))
    variadic = iter(batch.numbers(4, _PARTS))
    if not 0 <= rows <= MAX_ROWS or len(nodes) != len(kinds) or any(length != rows for length, _ in nodes):
        raise InputError(
            "the Arrow data has a batch whose columns differ in length, or are not those of its schema",
            next="send it as it was written",
        )
    left = len(body)
    for kind, (_, nulls) in zip(kinds, nodes, strict=True):
        count = kind.buffers + (next(variadic, 0) if kind.is_view else 0)
        if not 0 <= count <= _PARTS:
            raise InputError(f"the column {kind.name!r} has {count} buffers", next="send it as it was written")
        parts = [_cut(body, *place) for place in islice(buffers, count)]
        left -= sum(map(len, parts))
        if len(parts) != count or left < 0:
            raise InputError(
                f"the column {kind.name!r} lacks buffers, or has those of others",
                next="send the Arrow data as it was written",
            )
        if wanted(kind.name):
            yield kind.name, values(Part(kind, rows, nulls, parts), dictionaries)


def _cut(body: bytes, offset: int, length: int) -> bytes:
    if not 0 <= offset <= offset + length <= len(body):
        raise InputError("the Arrow data has a buffer beyond its batch", next="send it as it was written")
    return body[offset : offset + length]
