"""What changed on a page since it was sent, as HTML of the parts that differ."""

from __future__ import annotations

from datetime import datetime
from zlib import crc32

from sqlalchemy import Connection

from argosy.console import cells, feed, fleet
from argosy.console.page import render

Parts = dict[str, str]
"""DOM id -> HTML."""


def of_fleet(conn: Connection, name: str, now: datetime, *, q: str, sort: str, number: int) -> Parts:
    """The rows of a fleet's table, its chips and its map."""
    data = fleet.read(conn, name, now, q=q, sort=sort, number=number)
    parts = {f"m{row.id}": render("row.html", row=row, now=now) for row in data.rows}
    parts["chips"] = render("chips.html", data=data)
    parts["map"] = f'<div id="map">{cells.draw(name, data.cells)}</div>'
    return parts


def of_events(conn: Connection, now: datetime, *, where: str) -> Parts:
    """The newest events, as one part."""
    return {"lines": render("lines.html", lines=feed.read(conn, where=where).lines, now=now)}


def changes(parts: Parts, sent: dict[str, int]) -> Parts:
    """The parts that differ from those sent before; `sent` is brought up to date."""
    found = {}
    for name, html in parts.items():
        mark = crc32(html.encode())
        if sent.get(name) != mark:
            found[name] = html
            sent[name] = mark
    return found
