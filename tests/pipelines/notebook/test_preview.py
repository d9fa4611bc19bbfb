"""An executed notebook as a report."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from argosy.errors import InputError
from argosy.pipelines.notebook.preview import preview


def file(*cells: dict[str, Any]) -> bytes:
    return json.dumps({"nbformat": 4, "cells": cells}).encode()


def code(source: str, *outputs: dict[str, Any]) -> dict[str, Any]:
    return {"cell_type": "code", "source": source, "outputs": list(outputs)}


def shown(**data: Any) -> dict[str, Any]:
    return {"output_type": "display_data", "data": {key.replace("__", "/"): value for key, value in data.items()}}


def test_parts_in_order() -> None:
    report = preview(
        file(
            {"cell_type": "markdown", "source": ["# One\n", "two"]},
            {"cell_type": "raw", "source": "raw"},
            code(" "),
            code(
                "x = '```'",
                {"output_type": "stream", "name": "stdout", "text": ["a\n", "b\n"]},
                shown(text__html=["<table>", "</table>"], text__plain="frame"),
                shown(text__plain="plot", image__png=base64.b64encode(b"\x89PNG").decode()),
                shown(**{"image__svg+xml": "<svg/>"}),
                shown(text__markdown="*m*"),
                shown(application__javascript="alert()"),
                {"output_type": "execute_result", "data": {"text/plain": "<b>"}},
                {"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["\x1b[31mE\x1b[0m: v"]},
            ),
        )
    )
    assert [(part.kind, part.content.decode(errors="replace")) for part in report.parts] == [
        ("markdown", "# One\ntwo"),
        ("markdown", "````python\nx = '```'\n````"),
        ("markdown", "```\na\nb\n```"),
        ("html", "<table></table>"),
        ("png", "\ufffdPNG"),
        ("svg", "<svg/>"),
        ("markdown", "*m*"),
        ("markdown", "```\n<b>\n```"),
        ("markdown", "```\nE: v\n```"),
    ]


@pytest.mark.parametrize(
    "content", [b"[]", b"{}", file({"cell_type": "code"}), file(code("x", shown(image__png="no!"))), b'{"cells": [1]}']
)
def test_what_is_no_executed_notebook_is_refused(content: bytes) -> None:
    with pytest.raises(InputError, match="the report is no executed notebook"):
        preview(content)
