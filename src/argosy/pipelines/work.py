"""What a worker does for one call of a step: bring the arguments, run the function, save what it gave."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import msgspec

from argosy.engine import reference
from argosy.errors import InputError
from argosy.pipelines import format, outside
from argosy.pipelines.piece import Held, Many, Outside, Piece, Plain, Rows
from argosy.spec import function, interface
from argosy.spec.interface import Given, Interface
from argosy.spec.log import Record
from argosy.spec.scratch import Scratch
from argosy.store import Blobs

PERFORM = "argosy.pipelines.work:perform"
"""The reference of `perform`, so that whoever sends work need not import it."""


class Parcel(msgspec.Struct, frozen=True, tag="s", array_like=True, gc=False):
    """A piece that many calls are given: it lies, encoded, in the blob store."""

    digest: str


class Job(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A call: the step's function, its arguments by name, and the directory of the blob store.

    Each argument is an encoded `Piece` or `Parcel`. Those of a reduction have numbers for names: they are given by
    position. `modules` hold the formats of the project's own, which register themselves when imported.
    """

    function: str
    arguments: dict[str, msgspec.Raw]
    blobs: str
    modules: tuple[str, ...] = ()


class Made(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One artifact that was made, or a list of them where `items` is given; `body` is its preview."""

    format: str
    digest: str
    size: int
    data: bytes | None
    body: dict[str, Any] | None
    items: tuple[Made, ...] | None = None


class Reply(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What came of a call: one of `outputs` for each that the step gives, and what it logged."""

    outputs: tuple[Made, ...]
    metrics: dict[str, float] = {}
    parameters: dict[str, Any] = {}


encode = msgspec.msgpack.Encoder().encode
_job = msgspec.msgpack.Decoder(Job)
_sent: msgspec.msgpack.Decoder[Piece | Parcel] = msgspec.msgpack.Decoder(Piece | Parcel)
reply = msgspec.msgpack.Decoder(Reply).decode


def perform(data: bytes) -> bytes:
    """Run one encoded `Job`; the `Reply`, encoded. Raises what the step raises."""
    job = _job.decode(data)
    call, known = _step(job.function)
    blobs = _blobs(job.blobs)
    for module in job.modules:
        importlib.import_module(module)
    arguments = {name: _piece(raw, blobs) for name, raw in job.arguments.items()}
    with Scratch() as scratch:
        args = []
        named = {}
        for name, piece in arguments.items():
            if name.isdigit():
                args.append(_value(piece, known.inputs[known.positional[int(name)]].annotation, blobs, scratch))
            else:
                named[name] = _value(piece, known.inputs[name].annotation, blobs, scratch)
        with Record() as record:
            found = call(*args, **named)
        _unchanged(arguments.values())
        return encode(Reply(_outputs(known, found, blobs), record.metrics, record.parameters))


@cache
def _step(name: str) -> tuple[Callable[..., Any], Interface]:
    found = function.resolve(name)
    return found, interface.of(found, f"step {name}")


@cache
def _blobs(root: str) -> Blobs:
    return Blobs(Path(root))


@lru_cache(maxsize=4)
def _parcel(blobs: Blobs, digest: str) -> bytes:
    return blobs.get(digest)


def _piece(raw: msgspec.Raw | bytes, blobs: Blobs) -> Piece:
    """An argument. Each call decodes its own, as the step may change what it is given."""
    sent = _sent.decode(raw)
    return _piece(_parcel(blobs, sent.digest), blobs) if isinstance(sent, Parcel) else sent


def _value(piece: Piece | None, wanted: Any, blobs: Blobs, scratch: Scratch) -> Any:
    if isinstance(piece, Plain):
        return _constant(piece.value, wanted)
    if isinstance(piece, Held):
        source = format.Source(piece.slot, blobs, scratch.path(), piece.data)
        return format.named(piece.format).load(source, wanted)
    if isinstance(piece, Rows):
        return _frame(reference.resolve(piece.loader)(*piece.arguments), wanted)
    if isinstance(piece, Outside):
        return Path(piece.path) if interface.is_path(wanted) or wanted is Any else piece.path
    if isinstance(piece, Many):
        inner = interface.item(wanted)
        return [_value(each, inner, blobs, scratch) for each in piece.items if each is not None]
    return None


def _frame(rows: Any, wanted: Any) -> Any:
    """A lazy frame of Polars as the frame that is wanted."""
    kind = interface.plain(wanted)
    name = kind.__module__.partition(".")[0] if isinstance(kind, type) else ""
    if getattr(kind, "__name__", "") == "LazyFrame":
        return rows
    frame = rows.collect()
    return frame.to_pandas() if name == "pandas" else frame.to_arrow() if name == "pyarrow" else frame


def _constant(value: Any, wanted: Any) -> Any:
    if value is None:  # as from a branch that was not taken: Python lets anything be None
        return None
    try:
        return msgspec.convert(value, wanted)
    except TypeError:  # a type that msgspec does not know is the function's own affair
        return value


def _unchanged(pieces: Iterable[Piece | None]) -> None:
    for piece in pieces:
        if isinstance(piece, Outside) and outside.state(piece.path) != piece.state:
            raise InputError(
                f"{piece.path} was changed while the step read it: what it gave may be of either content",
                next="run it again once nobody writes there",
            )


def _outputs(known: Interface, found: Any, blobs: Blobs) -> tuple[Made, ...]:
    if not known.several:
        return (_made(found, known.outputs[0], blobs),)
    wanted = len(known.outputs)
    if not isinstance(found, (tuple, list)) or len(found) != wanted:
        shown = f"{len(found)} values" if isinstance(found, (tuple, list)) else f"one {type(found).__name__}"
        raise InputError(
            f"the step gave {shown}; its annotation says {wanted} values", next="return as many as it says"
        )
    return tuple(_made(value, each, blobs) for value, each in zip(found, known.outputs, strict=True))


def _made(value: Any, given: Given, blobs: Blobs) -> Made:
    if isinstance(value, (list, tuple)) and value and interface.is_list(given.annotation) and not _is_plain(value):
        inner = Given(given.name, interface.item(given.annotation))
        return Made("", "", 0, None, None, tuple(_made(each, inner, blobs) for each in value))
    bare = interface.plain(given.annotation)
    wanted = None if bare is Any else bare  # Any is a class too, of which nothing is an instance
    form, saved = format.save(value, blobs, wanted)
    if form.name == "value" and wanted is not None:
        _check(value, given)
    return Made(form.name, saved.digest, saved.bytes, saved.data, form.preview(value))


def _check(value: Any, given: Given) -> None:
    """A plain value must be what the annotation says: whoever reads it next would fail, far from here."""
    try:
        msgspec.convert(value, given.annotation)
    except msgspec.ValidationError as error:
        which = f" as {given.name}" if given.name else ""
        raise InputError(
            f"the step gave {value!r:.60}{which}; its annotation says {interface.show(given.annotation)}: {error}",
            next="correct the annotation, or what is returned",
        ) from None
    except TypeError:  # an annotation that msgspec does not know is the function's own affair
        return


def _is_plain(values: Any) -> bool:
    """Whether a list can be one value: if not, each of its items is an artifact of its own."""
    return all(format.find(value).name == "value" for value in values)
