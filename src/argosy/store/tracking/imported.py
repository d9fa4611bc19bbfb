"""What was brought from another system: as it was there, and whether its files are here too.

So whoever brings the same again finds that it is here, and what has changed there since.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import Connection

from argosy.store.rows import execute, within
from argosy.store.tracking import labels
from argosy.store.tracking.changes import Hand

KIND = "imported"
_CONTENT, _FILES = "content", "files"


class Import(NamedTuple):
    """That something was brought: the hash of what it was there, and whether all its files are here."""

    content: str
    whole: bool


def mark(tx: Connection, name: str, content: str, hand: Hand) -> None:
    """Note that a run or a logged model of a name was brought, which is unique anywhere."""
    labels.put(tx, KIND, name, {_CONTENT: content}, hand)


def complete(tx: Connection, name: str, hand: Hand) -> None:
    """Note that all files of it are here."""
    labels.put(tx, KIND, name, {_FILES: "all"}, hand)


def of(conn: Connection, names: Iterable[str]) -> dict[str, Import]:
    """What was brought among some names."""
    found = labels.of(conn, KIND, names)
    return {name: Import(each[_CONTENT], _FILES in each) for name, each in found.items() if _CONTENT in each}


def forget(tx: Connection, names: Iterable[str]) -> None:
    """Note that they are not here any more: they may be brought again."""
    clause, bound = within(tx, "entity", names)
    execute(tx, f"DELETE FROM label WHERE kind = ? AND {clause}", (KIND, bound))
