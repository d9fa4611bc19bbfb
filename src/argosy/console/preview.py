"""What an artifact holds, to look at: a table's first rows, a value's text, a report. All of it comes from steps."""

from __future__ import annotations

from typing import Any

import msgspec
from markupsafe import Markup

from argosy.errors import ArgosyError
from argosy.pipelines.formats.report import markup
from argosy.spec.report import Part, Report
from argosy.store import artifacts
from argosy.store.artifacts import Artifact
from argosy.store.store import Store

ROWS, COLUMNS, LETTERS = 20, 24, 4000
"""How much of a preview is shown at most, whatever its format wrote of it."""
PARTS = 40
"""Parts of a report that are shown."""
LARGEST = 32 << 20
"""Bytes of a report that is read to be shown."""
KINDS = {"html": "text/html", "svg": "image/svg+xml", "png": "image/png"}
"""Content types of the parts of a report that have an address of their own."""


class Column(msgspec.Struct, frozen=True):
    """A column of a table; `kind` is its type."""

    name: str
    kind: str


class Piece(msgspec.Struct, frozen=True):
    """A part of a report: Markdown as `html` of ours, anything else by its place, at an address of its own."""

    kind: str
    place: int
    html: str = ""

    @property
    def markup(self) -> Markup:
        """What was rendered from Markdown: it holds no HTML but what that made."""
        return Markup(self.html)


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """An artifact and what is shown of it; `format` is None for what is no artifact.

    `title` says what it is: a shape, a type, a count of rows. Of `columns`, `rows`, `pairs`, `text` and `parts` those
    are filled that its kind has.
    """

    digest: str = ""
    format: str | None = None
    bytes: int | None = None
    title: str = ""
    columns: tuple[Column, ...] = ()
    rows: tuple[tuple[Any, ...], ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    text: str = ""
    parts: tuple[Piece, ...] = ()
    more: int = 0
    """Parts that are not shown."""


def of(format: str | None, digest: str, size: int | None, body: Any) -> Preview:
    """The preview that was recorded with an artifact; what is not as Argosy's formats write it is shown as JSON."""
    made = Preview(digest=digest, format=format, bytes=size)
    if not isinstance(body, dict):
        return made
    shown = _SHOWN.get(str(body.get("kind")))
    try:
        fields = shown(body) if shown is not None else {"text": _json(body)}
    except (AttributeError, KeyError, TypeError, ValueError):  # a format of the project's own may call itself a table
        fields = {"text": _json(body)}
    return msgspec.structs.replace(made, **fields)


def whole(store: Store, artifact: Artifact) -> Preview:
    """The preview of an artifact, a report with its parts."""
    found = of(artifact.kind, artifact.digest, artifact.bytes, artifact.body)
    if artifact.kind == "log":
        text = artifacts.content(store.blobs, artifact).decode(errors="replace")
        return msgspec.structs.replace(found, text=_short(text))
    if artifact.kind != "report" or artifact.bytes > LARGEST:
        return found
    try:
        every = parts(store, artifact)
    except ArgosyError as error:
        return msgspec.structs.replace(found, text=f"{error.message}; {error.next}")
    pieces = tuple(_piece(part, place) for place, part in enumerate(every[:PARTS]))
    return msgspec.structs.replace(found, text="", parts=pieces, more=len(every) - len(pieces))


def parts(store: Store, artifact: Artifact) -> tuple[Part, ...]:
    """The parts of a report; none of what is none. Raises CorruptError, or UnknownError where its bytes are gone."""
    if artifact.kind != "report" or artifact.bytes > LARGEST:
        return ()
    try:
        return msgspec.msgpack.decode(artifacts.content(store.blobs, artifact), type=Report).parts
    except msgspec.MsgspecError:  # a project's bytes under Argosy's name
        return ()


def _piece(part: Part, place: int) -> Piece:
    if part.kind != "markdown":
        return Piece(part.kind, place)
    text = part.content.decode(errors="replace")
    return Piece(part.kind, place, markup(Part("markdown", text.encode())))


def _table(body: dict[str, Any]) -> dict[str, Any]:
    columns = tuple(Column(str(name), str(kind)) for name, kind in list(body["columns"].items())[:COLUMNS])
    rows = tuple(tuple(_cell(cell) for cell in row[:COLUMNS]) for row in body.get("head", ())[:ROWS])
    count = f"{body['rows']:,} rows, " if "rows" in body else ""
    return {"columns": columns, "rows": rows, "title": f"{count}{len(body['columns'])} columns"}


def _value(body: dict[str, Any]) -> dict[str, Any]:
    return {"text": _short(str(body["text"])), "title": str(body["type"])}


def _array(body: dict[str, Any]) -> dict[str, Any]:
    shape = " x ".join(f"{int(each):,}" for each in body["shape"]) or "a scalar"
    head = [str(each) for each in body["head"]]
    return {"text": _short(", ".join(head) + (", …" if _count(body["shape"]) > len(head) else "")),
            "title": f"{body['type']}, {shape}"}  # fmt: skip


def _model(body: dict[str, Any]) -> dict[str, Any]:
    pairs = tuple((str(name), _short(str(value))) for name, value in list(body["parameters"].items())[: ROWS * 2])
    return {"pairs": pairs, "title": str(body["type"])}


def _report(body: dict[str, Any]) -> dict[str, Any]:
    return {"text": _short(str(body["text"])), "title": ", ".join(map(str, body["parts"]))}


def _file(body: dict[str, Any]) -> dict[str, Any]:
    return {"title": str(body["name"])}


def _directory(body: dict[str, Any]) -> dict[str, Any]:
    names = [str(name) for name in body["names"]]
    more = int(body["files"]) - len(names)
    text = "\n".join([*names, *([f"and {more:,} more"] if more > 0 else [])])
    return {"text": _short(text), "title": f"{int(body['files']):,} files"}


_SHOWN = {
    "table": _table, "value": _value, "array": _array, "model": _model, "report": _report, "file": _file,
    "directory": _directory,
}  # fmt: skip


def _count(shape: Any) -> int:
    found = 1
    for each in shape:
        found *= int(each)
    return found


def _cell(value: Any) -> Any:
    return value if value is None or isinstance(value, (bool, int)) else str(value)[:80]


def _json(body: Any) -> str:
    return _short(msgspec.json.format(msgspec.json.encode(body, enc_hook=str)).decode())


def _short(text: str) -> str:
    return text if len(text) <= LETTERS else text[: LETTERS - 1] + "…"
