"""Reports as the MessagePack of their parts."""

from __future__ import annotations

import base64
from functools import cache
from typing import Any

import msgspec
from markdown_it import MarkdownIt

from argosy.pipelines.formats.source import Source
from argosy.spec.format import File, Format
from argosy.spec.report import Part, Report

_TEXT = 1000


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
    kind = "svg+xml" if part.kind == "svg" else "png"
    return f'<img alt="" src="data:image/{kind};base64,{base64.b64encode(part.content).decode()}">'


@cache
def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable("table")
