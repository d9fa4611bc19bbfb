"""Columns of tables of runs: what of a run is shown, as the search language spells it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from argosy.errors import UsageError
from argosy.store.tracking.clause import Order, orders
from argosy.store.tracking.grammar import RUNS

MOST = 40
"""Columns of one table."""
_PARTS = re.compile(r'(?:`[^`]*`|"[^"]*"|[^,`"]|[`"])+')
_BARE = re.compile(r"\w[\w.]*")
_SPELT = {"metric": "metrics", "parameter": "params", "tag": "tags"}


def parse(text: str) -> list[Order]:
    """The columns of a text such as ``metrics.auc,params.`max depth`,status``, each once; empty text has none.

    Raises UsageError for what no run has, and for more than `MOST`.
    """
    parts = [part.strip() for part in _PARTS.findall(text) if part.strip()]
    found = list(dict.fromkeys(orders([part], RUNS)[0] for part in parts))
    if len(found) > MOST:
        raise UsageError(f"{len(found)} columns are asked for, the limit is {MOST}", next="ask for fewer at a time")
    return found


def order(text: str) -> Order:
    """What to sort by: `metrics.auc`, or `-metrics.auc` for the largest first. Raises UsageError as `parse` does."""
    return orders([f"{text[1:]} DESC" if text.startswith("-") else text], RUNS)[0]


def spell(column: Order) -> str:
    """A column as `parse` reads it."""
    if column.entity == "attribute":
        return column.key
    key = column.key
    if not _BARE.fullmatch(key):
        key = f'"{key}"' if "`" in key else f"`{key}`"
    return f"{_SPELT[column.entity]}.{key}"


def join(columns: Iterable[Order]) -> str:
    """Several columns as `parse` reads them."""
    return ",".join(map(spell, columns))
