"""Columns, a word each, as the tables of `schema` name them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, ForeignKey

from argosy.store.codec import Identity, Instant, Json, Name, Number


def id() -> Column[int]:
    """The row's own id, given out by `rows.insert`."""
    return Column("id", Identity, primary_key=True, autoincrement=False)


def text(name: str, *, optional: bool = False) -> Column[str]:
    """A text."""
    return Column(name, Name, nullable=optional)


def count(name: str, *, optional: bool = False) -> Column[int]:
    """A whole number of up to 64 bits."""
    return Column(name, BigInteger, nullable=optional)


def number(name: str) -> Column[float]:
    """A number that may be unknown."""
    return Column(name, Number, nullable=True)


def at(name: str = "at", *, optional: bool = False) -> Column[Any]:
    """A moment."""
    return Column(name, Instant, nullable=optional)


def json(name: str, *, optional: bool = False) -> Column[Any]:
    """A JSON value."""
    return Column(name, Json, nullable=optional)


def to(name: str, target: str, *, optional: bool = False) -> Column[Any]:
    """A reference to the row that `target` ("member.id") identifies."""
    kind = Name if target.endswith(".digest") else Identity
    return Column(name, kind, ForeignKey(target), nullable=optional)
