"""What an artifact holds, from its preview: in a line, or in the lines that `describe` shows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from argosy.cli import show
from argosy.controller.course import Result
from argosy.spec import size
from argosy.spec.quantity import plural

_LONGEST = 120
_COLUMNS, _WIDEST = 8, 40


def line(preview: dict[str, Any] | None) -> str:
    """A preview in a line; nothing where there is none."""
    match preview:
        case None:
            return ""
        case {"kind": "table", "columns": columns}:
            rows = f"{plural(preview['rows'], 'row')} of " if "rows" in preview else ""
            return _short(f"{rows}{', '.join(columns)}")
        case {"kind": "value", "text": text}:
            return _short(text)
        case {"kind": "array", "shape": shape, "type": kind}:
            return f"{' x '.join(map(str, shape)) or 'scalar'} of {kind}"
        case {"kind": "model", "type": kind}:
            return str(kind)
        case {"kind": "report", "text": text}:
            return _short(text)
        case {"kind": "file", "name": name}:
            return str(name)
        case {"kind": "directory", "files": files}:
            return plural(files, "file")
    return _short(show.text({name: each for name, each in preview.items() if name != "kind"}))


def lines(preview: dict[str, Any] | None) -> Iterator[str]:
    """A preview as far as a screen holds it: a table with its first rows, anything else field by field."""
    if preview is None:
        yield "nothing is known of what it holds: its format gives no preview"
    elif preview.get("kind") == "table" and "head" in preview:
        yield line(preview)
        yield from _grid([list(preview["columns"]), *preview["head"]])
    elif preview.get("kind") in ("value", "report"):
        yield from str(preview.get("text", "")).splitlines()[:40]
    else:
        yield from show.tree(preview)


def result(found: Result) -> str:
    """An artifact, or a list of them, in a line: format, size, digest and what it holds."""
    if found.count is not None:
        return f"a list of {plural(found.count, 'artifact')}"
    if found.format is None or found.digest is None:
        return "no artifact"
    told = (
        f"{found.format} of {size.show(found.bytes)}" if found.bytes is not None else f"{found.format}, which is gone"
    )
    holds = line(found.preview)
    return f"{told}, {found.digest[:12]}" + (f": {holds}" if holds else "")


def _grid(rows: list[list[Any]]) -> Iterator[str]:
    """The first columns of a table, one below the other."""
    cells = [[show.text(cell)[:_WIDEST] for cell in row[:_COLUMNS]] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    more = "  …" if len(rows[0]) > _COLUMNS else ""
    for row in cells:
        yield "  " + "  ".join(map(str.ljust, row, widths)).rstrip() + more


def _short(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= _LONGEST else f"{plain[: _LONGEST - 1]}…"
