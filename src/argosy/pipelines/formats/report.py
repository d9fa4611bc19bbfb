"""Reports as the MessagePack of their parts."""

from __future__ import annotations

import base64
import html
import re
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec

from argosy.pipelines.formats.source import Source
from argosy.spec.format import File, Format
from argosy.spec.report import Part, Report

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

_TEXT = 1000
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:"
_STYLE = (
    "body{max-width:60rem;margin:2rem auto;padding:0 1rem;font:16px/1.5 system-ui,sans-serif}img{max-width:100%}"
    "iframe{width:100%;height:32rem;border:1px solid #ccc}table{border-collapse:collapse}"
    "td,th{border:1px solid #ccc;padding:.2rem .6rem}"
)


class Reports(Format):
    """`Report`."""

    name = "report"

    def save(self, value: Any, file: File) -> None:
        """See `Format.save`."""
        file.write(msgspec.msgpack.encode(value))

    def load(self, file: File, wanted: Any) -> Report:
        """See `Format.load`."""
        assert isinstance(file, Source)
        return msgspec.msgpack.decode(file.bytes(), type=Report)

    def preview(self, value: Any) -> dict[str, Any]:
        """See `Format.preview`: the kinds of its parts, and the beginning of its first text."""
        text = next((part.text for part in value.parts if part.kind == "markdown"), "")
        return {"kind": "report", "parts": [part.kind for part in value.parts[:20]], "text": text[:_TEXT]}


def markup(part: Part) -> str:
    """A part as HTML that holds no markup of the report's own: Markdown rendered, pictures as images.

    Parts that are HTML themselves raise `ValueError`: they are shown in a frame that may do nothing.
    """
    if part.kind == "markdown":
        return str(_markdown().render(part.text))
    if part.kind == "html":
        raise ValueError("a part that is HTML is no markup of ours")
    return f'<img alt="" src="{_address(part)}">'


def page(report: Report) -> str:
    """The report as one page that needs nothing else and runs no script: parts that are HTML are each in a frame."""
    shown = [
        f'<iframe sandbox="" srcdoc="{html.escape(part.text)}"></iframe>' if part.kind == "html" else markup(part)
        for part in report.parts
    ]
    head = f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}"><style>{_STYLE}</style>'
    body = "\n".join(f"<div>{each}</div>" for each in shown)
    start = f'<!doctype html>\n<html><head><meta charset="utf-8">{head}<title>Report</title></head>'
    return f"{start}\n<body>\n{body}\n</body></html>\n"


def text(report: Report) -> str:
    """The report as Markdown: pictures within it, HTML as a block of code."""
    return "\n\n".join(map(_written, report.parts)) + "\n"


def _written(part: Part) -> str:
    if part.kind == "markdown":
        return part.text
    if part.kind != "html":
        return f"![]({_address(part)})"
    fence = "`" * (max(map(len, re.findall("`{3,}", part.text)), default=2) + 1)
    return f"{fence}html\n{part.text}\n{fence}"


def _address(part: Part) -> str:
    """A picture as an address that holds it."""
    kind = "svg+xml" if part.kind == "svg" else "png"
    return f"data:image/{kind};base64,{base64.b64encode(part.content).decode()}"


@cache
def _markdown() -> MarkdownIt:
    from markdown_it import MarkdownIt  # a fiftieth of what a server takes to start, for pages that few have

    return MarkdownIt("commonmark", {"html": False}).enable("table")
