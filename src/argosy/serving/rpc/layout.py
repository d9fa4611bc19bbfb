"""Requests of protobuf as most are: who calls again and again sends the same bytes, but for the values in them.

Where a message has its values is learned when it is read. One of the same length, and of the same bytes between them,
has its values at the same places: `struct` takes them out in one call, where to read any message takes one for each.
"""

from __future__ import annotations

import struct
from math import isfinite
from operator import itemgetter

import msgspec

from argosy.serving.batch import Batch, Columns
from argosy.serving.door.infer import Wanted
from argosy.serving.routing import Endpoint
from argosy.serving.rpc.outline import fields

_LONG, _KEPT, _ALIKE = 64 * 1024, 1_000, 4
_CREDIT, _PRICE = 64.0, 8
"""How many messages are learned from before any was met again, and how often one is for another to be learned from."""
_ID, _INPUTS, _RAW = 3, 5, 7
_NAME, _DATATYPE, _CONTENTS = 1, 2, 5
_KINDS = {"FP32": (6, "f"), "FP64": (7, "d"), "BYTES": (8, "s")}
"""By the type of a tensor: the number of the field of its contents that has its values, and what `struct` calls one."""
_SIZES = {"f": 4, "d": 8}
_LENGTH = 4


class Read(msgspec.Struct, frozen=True):
    """What a message holds: rows for an endpoint of this `layout`, at this path of HTTP."""

    path: str
    layout: str
    columns: Columns
    count: int
    id: str | None
    wanted: Wanted | None

    def fits(self, endpoint: Endpoint) -> bool:
        """Whether its rows are for this endpoint."""
        return self.layout == endpoint.layout and endpoint.required <= self.columns.keys()

    def batch(self, endpoint: Endpoint) -> Batch:
        """Its rows."""
        return Batch(endpoint, self.columns, self.count, self.id)


class _Hole(msgspec.Struct, frozen=True):
    """Values in a message: so many of a kind, from a place on."""

    start: int
    kind: str
    count: int = 1

    @property
    def size(self) -> int:
        """Bytes that they take."""
        return self.count * _SIZES.get(self.kind, 1)


class _Layout:
    """A message whose values are in these holes: of each tensor by its name, and first of its id, if it has one."""

    def __init__(self, body: bytes, like: Read, id: _Hole | None, tensors: dict[str, list[_Hole]]) -> None:
        holes = [each for some in tensors.values() for each in some] + ([id] if id is not None else [])
        self._places: dict[int, slice] = {}
        form, at, place = "<", 0, 0
        fixed, numbers = list[int](), list[int]()
        for each in sorted(holes, key=lambda hole: hole.start):
            form += f"{each.start - at}s{each.count}{each.kind}"
            fixed.append(place)
            width = 1 if each.kind == "s" else each.count
            self._places[each.start] = slice(place + 1, place + 1 + width)
            if each.kind != "s":
                numbers += range(place + 1, place + 1 + width)
            at, place = each.start + each.size, place + 1 + width
        self._cut = struct.Struct(f"{form}{len(body) - at}s").unpack
        self._fixed = itemgetter(*fixed, place)
        self._numbers = itemgetter(*(numbers * 2 if len(numbers) == 1 else numbers)) if numbers else None
        self._same = self._fixed(self._cut(body))
        self._like, self._id = like, self._places[id.start] if id is not None else None
        self._tensors = [(name, self._slice(some), some[0].kind == "s") for name, some in tensors.items()]

    def _slice(self, holes: list[_Hole]) -> slice:
        """The places of a tensor's values; between texts there is one more."""
        first, last = self._places[holes[0].start], self._places[holes[-1].start]
        return slice(first.start, last.stop, 2 if holes[0].kind == "s" else 1)

    def read(self, body: bytes) -> Read | None:
        """What a message of this length holds; None where it is another one, or a value is none or no text."""
        cells = self._cut(body)
        if self._fixed(cells) != self._same:
            return None
        if self._numbers is not None and not isfinite(sum(self._numbers(cells))):
            return None
        like = self._like
        try:
            columns: Columns = {
                name: [text.decode() for text in cells[place]] if texts else list(cells[place])
                for name, place, texts in self._tensors
            }
            id = like.id if self._id is None else cells[self._id][0].decode() or None
        except UnicodeDecodeError:
            return None
        return Read(like.path, like.layout, columns, like.count, id, like.wanted)


class Layouts:
    """The layouts of the messages that came, by their length. For one event loop."""

    def __init__(self) -> None:
        self._known: dict[int, list[_Layout]] = {}
        self._credit = _CREDIT

    def find(self, body: bytes) -> Read | None:
        """What a message holds that is like one that came before."""
        for each in self._known.get(len(body), ()):
            if (found := each.read(body)) is not None:
                self._credit = min(_CREDIT, self._credit + 1 / _PRICE)
                return found
        return None

    def learn(self, body: bytes, path: str, batch: Batch, wanted: Wanted | None) -> None:
        """Remember how a message was read, if that is all that it says and its values stand apart in it."""
        if self._credit < 1 or len(body) > _LONG or batch.at is not None or batch.explain:
            return
        if wanted is not None and wanted.names is not None:
            return
        self._credit -= 1
        names = {each.name: each.datatype for each in batch.endpoint.inputs}
        found = _holes(body, batch.count)
        if found is None or found[1].keys() != batch.columns.keys():
            return
        id, tensors = found
        if any(names[name] != ("BYTES" if some[0].kind == "s" else "FP64") for name, some in tensors.items()):
            return
        if len(self._known) >= _KEPT:
            self._known.clear()
        like = Read(path, batch.endpoint.layout, {}, batch.count, batch.id, wanted)
        others = self._known.get(len(body), [])
        self._known[len(body)] = [_Layout(body, like, id, tensors), *others[: _ALIKE - 1]]


def _holes(body: bytes, count: int) -> tuple[_Hole | None, dict[str, list[_Hole]]] | None:
    """Where a message has its id, and the values of its tensors; None where those are not in one piece, or no texts."""
    ids, raw, tensors = list[_Hole](), list[_Hole](), dict[str, tuple[str, list[_Hole]]]()
    for number, start, end in fields(body, 0, len(body)):
        if number == _ID:
            ids.append(_Hole(start, "s", end - start))
        elif number == _RAW:
            raw.append(_Hole(start, "s", end - start))
        elif number == _INPUTS:
            name, datatype, values = _tensor(body, start, end)
            tensors[name] = datatype, values
    if raw and len(raw) == len(tensors):
        told = zip(tensors.items(), raw, strict=True)
        tensors = {name: (datatype, _raw(body, datatype, each)) for (name, (datatype, _)), each in told}
    found = {name: values for name, (_, values) in tensors.items()}
    apart = all(
        len(each) == count if each and each[0].kind == "s" else [h.count for h in each] == [count]
        for each in found.values()
    )
    return (ids[0] if ids else None, found) if apart and len(ids) < 2 else None


def _tensor(body: bytes, start: int, end: int) -> tuple[str, str, list[_Hole]]:
    """The name of a tensor, its type, and where its contents have their values."""
    name = datatype = ""
    holes: list[_Hole] = []
    for number, first, last in fields(body, start, end):
        if number == _NAME:
            name = body[first:last].decode()
        elif number == _DATATYPE:
            datatype = body[first:last].decode()
        elif number == _CONTENTS:
            own, kind = _KINDS.get(datatype, (0, ""))
            holes += [
                _Hole(at, kind, (to - at) // _SIZES.get(kind, 1))
                for field, at, to in fields(body, first, last)
                if field == own
            ]
    return name, datatype, holes


def _raw(body: bytes, datatype: str, hole: _Hole) -> list[_Hole]:
    """Where a tensor has its values among raw bytes."""
    _, kind = _KINDS.get(datatype, (0, ""))
    if kind != "s":
        return [_Hole(hole.start, kind, hole.size // _SIZES[kind])] if kind else []
    found, at = list[_Hole](), hole.start
    while at < hole.start + hole.size:
        size = int.from_bytes(body[at : at + _LENGTH], "little")
        found.append(_Hole(at + _LENGTH, kind, size))
        at += _LENGTH + size
    return found
