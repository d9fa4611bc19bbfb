"""A file that a client put beside a run, to look at. It comes from outside: nothing of it is markup of a page."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from itertools import islice
from typing import Any

import msgspec
from sqlalchemy import Connection

from argosy.console.folder import Folder
from argosy.console.preview import COLUMNS, ROWS, Column, Piece, Preview
from argosy.pipelines.formats.report import markup
from argosy.spec.report import Part
from argosy.store import artifacts
from argosy.store.artifacts import Artifact
from argosy.store.store import Store
from argosy.store.tracking import files

KINDS = {
    "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif", "webp": "image/webp",
    "svg": "image/svg+xml", "html": "text/html", "htm": "text/html",
}  # fmt: skip
"""Content types of what has an address of its own to be looked at, by the ends of names."""
LARGEST = 4 << 20
"""Bytes of a file that is read to be shown."""
_LETTERS, _CELL = 20_000, 80
_PARTED = {"csv": ",", "tsv": "\t"}


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """A file and what is shown of it: `frame` is image or page for what its own address shows, else `preview` holds it.

    `path` is below the run's root; `why` says why nothing is shown.
    """

    path: str
    digest: str
    bytes: int
    frame: str = ""
    preview: Preview = Preview()
    why: str = ""


def see(store: Store, path: str, found: Artifact) -> Sight:
    """What is shown of the file at a path. Raises CorruptError, or UnknownError where its bytes are gone."""
    made = Sight(path=path, digest=found.digest, bytes=found.bytes)
    kind = KINDS.get(ending(path))
    if found.bytes > LARGEST:
        return msgspec.structs.replace(made, why=f"it is larger than {LARGEST >> 20} MiB")
    if kind is not None:
        return msgspec.structs.replace(made, frame="page" if kind == "text/html" else "image")
    data = artifacts.content(store.blobs, found)
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return msgspec.structs.replace(made, why="it is no text")
    if "\0" in text:
        return msgspec.structs.replace(made, why="it is no text")
    return msgspec.structs.replace(made, preview=_shown(ending(path), text))


def beside(
    conn: Connection, store: Store, root: str | None, tree: Folder | None, path: str, first: str = ".md"
) -> Sight | None:  # fmt: skip
    """The file at a path below a root; without a path the first whose name ends as `first` does. None if there is none.

    Raises UnknownError for a path at which nothing lies.
    """
    if root is None or tree is None:
        return None
    chosen = path or next((node.path for node in tree.nodes if node.path.endswith(first)), "")
    if not chosen or chosen == tree.path:
        return None
    return see(store, chosen, files.get(conn, f"{root}/{chosen}"))


def ending(path: str) -> str:
    """The end of a file's name, behind its last dot."""
    return path.rpartition("/")[2].rpartition(".")[2].lower()


def _shown(kind: str, text: str) -> Preview:
    if kind in ("md", "markdown"):
        return Preview(parts=(Piece("markdown", 0, markup(Part("markdown", text[:_LETTERS].encode()))),))
    if kind in _PARTED:
        try:
            rows = list(islice(csv.reader(io.StringIO(text, newline=""), delimiter=_PARTED[kind]), ROWS + 1))
        except csv.Error:
            rows = []
        if len(rows) > 1:
            return _table(rows[0], rows[1:])
    if kind == "json":
        try:
            return _json(msgspec.json.decode(text))
        except (msgspec.MsgspecError, RecursionError):
            return Preview(text=_cut(text))
    return Preview(text=_cut(text))


def _json(body: Any) -> Preview:
    """A frame split into columns and data, as clients log tables, is one; all else is set out."""
    if isinstance(body, dict):
        columns, data = body.get("columns"), body.get("data")
        if isinstance(columns, list) and isinstance(data, list) and all(isinstance(row, list) for row in data[:ROWS]):
            return _table(columns, data)
    return Preview(text=_cut(msgspec.json.format(msgspec.json.encode(body)).decode()))


def _table(names: Sequence[Any], rows: Sequence[Sequence[Any]]) -> Preview:
    return Preview(
        columns=tuple(Column(str(name)[:_CELL], "") for name in names[:COLUMNS]),
        rows=tuple(tuple(_cell(cell) for cell in row[:COLUMNS]) for row in rows[:ROWS]),
    )


def _cell(value: Any) -> Any:
    return value if value is None or isinstance(value, (bool, int, float)) else str(value)[:_CELL]


def _cut(text: str) -> str:
    return text if len(text) <= _LETTERS else f"{text[: _LETTERS - 1]}…"
