"""The page of one prediction: what was asked, who answered what, why, and what the row is like."""

from __future__ import annotations

import shlex
from datetime import datetime

from sqlalchemy import Connection

from argosy.console import links, svg
from argosy.console.page import Page
from argosy.controller.prediction import Prediction, read
from argosy.store.store import Store

_SHOWN, _BESIDE = 30, 6
"""Features with their bars, and those of neighbours: the first ones, which moved the score most."""


def page(conn: Connection, store: Store, fleet: str, id: str, now: datetime) -> Page:
    """The prediction of a row by its key, or of the first row of a request by its id. Raises as `read` does."""
    data = read(conn, store, fleet, id)
    shown = data.explained.moved[:_SHOWN]
    rest = sum(each.contribution for each in data.explained.moved[_SHOWN:])
    most = max((abs(each.contribution) for each in shown), default=0.0)
    return Page(
        f"{fleet} {data.row}", "prediction.html", data, now,
        trail=(("fleets", "/"), (fleet, links.fleet(fleet)), (data.row, None)), here="fleets",
        command=f"argosy explain {fleet} --row {shlex.quote(data.row)}",
        pictures={
            "bars": {each.feature: svg.lean(each.contribution, most) for each in shown},
            "rest": rest, "beside": _beside(data),
        },
    )  # fmt: skip


def _beside(data: Prediction) -> list[str]:
    """The features that are told of neighbours: of those that moved the score most, the ones that neighbours have."""
    near = data.neighbours.nearest
    moved = [each.feature for each in data.explained.moved if near and each.feature in near[0].values]
    return (moved or (list(near[0].values) if near else []))[:_BESIDE]
