"""What commands print: data to stdout, words to stderr; tables for people, JSON for programs."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from collections.abc import Container, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from argosy.spec import duration

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

span = duration.took

_PROSE = frozenset({"action", "calls", "cause", "message", "metrics", "parameters", "reason", "why"})
"""Columns that may break over lines; all others stay whole."""
_UNBOUNDED = 5_000
"""Columns where nobody looks at a terminal, or must not cut: a line stays a line, so that it can be searched."""
_ITEMS, _FIELDS = 10, 30
"""How many items of a list, and fields of an object, a tree shows of what is nested."""
COUNTS = frozenset({
    "added", "bytes", "count", "failing", "failures", "members", "own", "peak_bytes", "pooled", "rolling", "rows",
    "version_rows", "versions",
})  # fmt: skip
"""Columns and fields that count something. Their thousands are separated; ids, numbers and rows of users stay plain."""
_EXAMPLES = "examples"
"""The field of a finding that holds rows of a user."""
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)")


def console(to: TextIO | None = None, *, unbounded: bool = False) -> Console:
    """A console on stdout, or on `to`; plain text where it is no terminal. Lines of an `unbounded` one stay lines."""
    from rich.console import Console  # rich costs 50 ms, which `--json` need not pay

    file = to or sys.stdout
    bounded = not unbounded and (file.isatty() or "COLUMNS" in os.environ)
    width = None if bounded else _UNBOUNDED
    return Console(file=file, width=width, highlight=False, markup=False, emoji=False, soft_wrap=False)


def command() -> str:
    """How this program is called from here: `argosy`, else the path of the one beside this Python."""
    beside = Path(sys.executable).with_name("argosy")
    if shutil.which("argosy") or not beside.exists():
        return "argosy"
    here = Path.cwd()
    return shlex.quote(str(beside.relative_to(here) if beside.is_relative_to(here) else beside))


def say(*lines: str) -> None:
    """Words for people, on stderr."""
    for line in lines:
        print(line, file=sys.stderr, flush=True)  # noqa: T201 - a command line prints


def emit(value: object) -> None:
    """A value as JSON, on stdout."""
    import msgspec

    text = msgspec.json.format(msgspec.json.encode(value), indent=2)
    print(text.decode(), flush=True)  # noqa: T201 - a command line prints


def line(value: object) -> None:
    """A value as one line of JSON, on stdout."""
    import msgspec

    print(msgspec.json.encode(value).decode(), flush=True)  # noqa: T201 - a command line prints


def put(*shown: RenderableType) -> None:
    """Renderables on stdout; plain text is left whole, for the terminal to wrap."""
    out = console()
    for each in shown:
        out.print(each, soft_wrap=isinstance(each, str))


def markdown(text: str) -> None:
    """Markdown on stdout: set for reading on a terminal, as it stands for a file or another program."""
    if sys.stdout.isatty():
        from rich.markdown import Markdown

        put(Markdown(text))
    else:
        put(text.rstrip())


def table(
    headers: Sequence[str], rows: Iterable[Sequence[object]], *, title: str = "", counts: Container[str] = COUNTS,
    unbounded: bool = False,
) -> None:  # fmt: skip
    """A table on stdout. A header that starts with ">" aligns its column to the right; `counts` names what counts.

    Of an `unbounded` one nothing is cut or broken, however wide it gets: the terminal wraps its lines.
    """
    from rich import box
    from rich.table import Table

    made = Table(box=box.SIMPLE_HEAD, title=title or None, title_justify="left", pad_edge=False, show_edge=False)
    counted = []
    for header in headers:
        right, name = header.startswith(">"), header.lstrip(">")
        made.add_column(name, justify="right" if right else "left", overflow="fold", no_wrap=name not in _PROSE)
        counted.append(name.strip().replace(" ", "_") in counts)
    for row in rows:
        made.add_row(*(text(value, counted=count) for value, count in zip(row, counted, strict=True)))
    console(unbounded=unbounded).print(made)


def text(value: object, *, counted: bool = False) -> str:
    """A value as people read it: times to the minute in UTC, four digits of a number, a dash for nothing.

    The thousands of what is `counted` are separated.
    """
    match value:
        case None | "":
            return "-"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.4g}"
        case int():
            return f"{value:,}" if counted else str(value)
        case datetime():
            return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M")
        case list() | tuple():
            return ", ".join(text(each) for each in value) or "-"
        case dict():
            return ", ".join(f"{key}={text(each)}" for key, each in value.items()) or "-"
        case _:
            return str(value)


def tree(value: Any) -> Iterable[str]:
    """A JSON value as indented lines, one field a line. What is nested and long is cut, and says how much is left."""
    return _branch(_timed(value), 0, COUNTS)


def _branch(value: Any, depth: int, counts: Container[str]) -> Iterable[str]:
    pad = "  " * depth
    items = list(value.items() if isinstance(value, dict) else ((f"[{i}]", each) for i, each in enumerate(value)))
    most = len(items) if not depth else _FIELDS if isinstance(value, dict) else _ITEMS
    for key, each in items[:most]:
        if isinstance(each, list) and len(each) > _ITEMS and all(isinstance(one, (int, float)) for one in each):
            yield f"{pad}{key}: {text(each[:_ITEMS])}, … ({len(each):,} in all; --json has them)"
        elif isinstance(each, (dict, list)) and each and len(text(each)) > 60:
            yield f"{pad}{key}:"
            yield from _branch(each, depth + 1, () if key == _EXAMPLES else counts)
        else:
            yield f"{pad}{key}: {text(each, counted=key in counts)}"
    if len(items) > most:
        yield f"{pad}… {len(items) - most:,} more (--json has them)"


def _timed(value: Any) -> Any:
    """A JSON value with its times as such."""
    match value:
        case str() if _INSTANT.fullmatch(value):
            return datetime.fromisoformat(value)
        case dict():
            return {key: _timed(each) for key, each in value.items()}
        case list() | tuple():
            return [_timed(each) for each in value]
        case _:
            return value
