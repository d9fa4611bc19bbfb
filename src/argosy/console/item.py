"""Items of lists that steps gave: a list of plain values is one artifact, and what a map takes of it is an item."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection

from argosy.errors import ArgosyError
from argosy.pipelines.formats import value
from argosy.store import artifacts, calls, executions
from argosy.store.store import Store

LARGEST = 4 << 20
"""Bytes of a list that is read to tell its items."""
LETTERS = 200
"""Letters of an item that are told."""
_VALUE = "value:"


def texts(conn: Connection, store: Store, run_id: int, told: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """What items of lists are, as JSON, by their content: of arguments as executions record them.

    Those that are no artifacts of their own are looked for in the lists that the nodes which they are from gave. What
    is no plain value, such as a date, is left out.
    """
    asked = {each["content"]: each["from"] for each in told if each.get("content", "").startswith(_VALUE)}
    known = artifacts.get(conn, [content.removeprefix(_VALUE) for content in asked])
    missing = {content for content in asked if content.removeprefix(_VALUE) not in known}
    found: dict[str, str] = {}
    for node in sorted({asked[content] for content in missing} - {""}):
        for data in _lists(conn, store, run_id, node):
            for item in value.items(data) or ():
                content = f"{_VALUE}{hashlib.sha256(item).hexdigest()}"
                if content in missing and (text := _text(item)):
                    found[content] = text
    return found


def _lists(conn: Connection, store: Store, run_id: int, node: str) -> list[bytes]:
    """What a node gave that may be a list of values."""
    ids = [call.execution_id for call in calls.of(conn, run_id, node=node, element=calls.WHOLE)]
    done = executions.get(conn, [id for id in ids if id is not None])
    outputs = [each for run in done.values() for each in run.parameters.get("outputs", ()) if isinstance(each, list)]
    some = artifacts.get(conn, [digest for format, digest in outputs if format == "value"]).values()
    try:
        return [artifacts.content(store.blobs, each) for each in some if each.bytes <= LARGEST]
    except ArgosyError:  # gone or damaged: its items are not told
        return []


def _text(item: bytes) -> str:
    try:
        text = msgspec.json.encode(msgspec.msgpack.decode(item)).decode()
    except (msgspec.MsgspecError, TypeError):
        return ""
    return text if len(text) <= LETTERS else text[: LETTERS - 1] + "…"
