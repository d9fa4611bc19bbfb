"""Contracts: the numbered schemas that a dataset had to meet."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, func, select

from argosy.store import schema
from argosy.store.rows import Row, columns, fetch, insert

_TABLE = schema.contract


class NewContract(Row, frozen=True, kw_only=True):
    """A contract to put in force."""

    dataset: str
    body: dict[str, Any]
    at: datetime
    actor: str
    reason: str = ""


class _Numbered(NewContract, frozen=True, kw_only=True):
    number: int


class Contract(_Numbered, frozen=True, kw_only=True):
    """A recorded contract; the highest number is in force."""

    id: int


def add(tx: Connection, contract: NewContract) -> int:
    """Put a contract in force; returns its number, counted from 1 per dataset."""
    query = select(func.coalesce(func.max(_TABLE.c.number), 0)).where(_TABLE.c.dataset == contract.dataset)
    number = int(tx.execute(query).scalar_one()) + 1
    fields = {name: getattr(contract, name) for name in NewContract.__struct_fields__}
    insert(tx, _TABLE, [_Numbered(number=number, **fields)])
    return number


def current(conn: Connection, dataset: str) -> Contract | None:
    """The contract in force."""
    return next(iter(fetch(conn, _history(dataset).limit(1), Contract)), None)


def history(conn: Connection, dataset: str) -> list[Contract]:
    """All contracts of a dataset, newest first."""
    return fetch(conn, _history(dataset), Contract)


def _history(dataset: str) -> Select[Any]:
    return columns(_TABLE, Contract).where(_TABLE.c.dataset == dataset).order_by(_TABLE.c.number.desc())
