"""An executed notebook as a report, without a library of Jupyter's."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any, Final

import msgspec

from argosy.errors import InputError
from argosy.spec.report import Part, Report

_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_KINDS: Final = ("image/png", "image/svg+xml", "text/html", "text/markdown", "text/plain")
"""What is shown of an output that is given in several ways: the first of these."""


def preview(executed: bytes) -> Report:
    """Texts, code and outputs in order. HTML stays HTML, which a report shows apart; scripts of widgets are left out.

    Raises InputError for what is no notebook, or holds a picture that is none.
    """
    try:
        file = msgspec.json.decode(executed, type=dict[str, Any])
        parts = [part for cell in file["cells"] for part in _cell(cell)]
    except (msgspec.MsgspecError, KeyError, TypeError, AttributeError, binascii.Error) as error:
        raise InputError(f"the report is no executed notebook: {error}", next="run the step again") from None
    return Report(tuple(parts))


def _cell(cell: dict[str, Any]) -> list[Part]:
    source = _text(cell["source"])
    if cell["cell_type"] == "markdown":
        return [_markdown(source)]
    if cell["cell_type"] != "code" or not source.strip():
        return []
    return [_fenced(source, "python"), *(part for each in cell["outputs"] for part in _output(each))]


def _output(output: dict[str, Any]) -> list[Part]:
    match output["output_type"]:
        case "stream":
            return [_fenced(_text(output["text"]))]
        case "error":
            return [_fenced("\n".join(output["traceback"]) or f"{output['ename']}: {output['evalue']}")]
    data = output.get("data", {})
    kind = next((each for each in _KINDS if each in data), None)
    text = _text(data[kind]) if kind else ""
    match kind:
        case "image/png":
            return [Part("png", base64.b64decode(text))]
        case "image/svg+xml":
            return [Part("svg", text.encode())]
        case "text/html":
            return [Part("html", text.encode())]
        case "text/markdown":
            return [_markdown(text)]
        case "text/plain":
            return [_fenced(text)]
    return []


def _text(lines: str | list[str]) -> str:
    return lines if isinstance(lines, str) else "".join(lines)


def _markdown(text: str) -> Part:
    return Part("markdown", text.encode())


def _fenced(text: str, language: str = "") -> Part:
    """Text as it stands, in a fence that is longer than any within."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return _markdown(f"{fence}{language}\n{_ANSI.sub('', text).rstrip()}\n{fence}")
