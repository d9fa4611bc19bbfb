"""The card of a version on a terminal: who answers, gates and scores first."""

from __future__ import annotations

from sqlalchemy import Connection

from argosy.registry import card as cards
from argosy.store import Store

_FIRST = ("Gates", "Scores on the held-out rows", "Code and environment")


def markdown(conn: Connection, store: Store, address: str) -> str:
    """The card of the version at an address as Markdown, its sections in the order in which people ask for them."""
    head, *sections = cards.to_markdown(cards.card(conn, store, address)).split("\n## ")
    return "\n## ".join([head, *sorted(sections, key=_place)])


def _place(section: str) -> int:
    title = section.partition("\n")[0]
    return _FIRST.index(title) if title in _FIRST else len(_FIRST)
