"""Binding: what conditions read of values runs no code of the project."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

from sqlalchemy import update

import argosy as ag
from argosy.engine.local import Local
from argosy.pipelines.formats import value
from argosy.spec.format import File
from argosy.store import Store, schema
from tests.pipelines.runs import Place

LOADED: list[int] = []
"""The processes that a route was loaded in."""


class Route:
    pass


@ag.format(Route)
class Routes(ag.Format):
    name = "trial-route"

    def save(self, value: Route, file: File) -> None:
        file.write(b"route")

    def load(self, file: File, wanted: Any) -> Route:
        LOADED.append(os.getpid())
        return Route()


@ag.step
def within(full: bool) -> dict[str, Any]:
    return {"route": Route()} if full else {}


@ag.step
def one() -> int:
    return 1


@ag.step
def listed() -> list[int]:
    return [1, 2]


@ag.step
def plus(number: int, more: int) -> int:
    return number + more


@ag.pipeline
def spread(more: int) -> Any:
    return plus.map(listed(), more)


@ag.pipeline
def conditional(full: bool) -> Any:
    return ag.when(within(full), lambda: one(), lambda: None)


def test_a_condition_never_loads_what_has_a_format_of_its_own(home: Path) -> None:
    with Local(1) as engine, Store.open(home) as store:
        place = Place(store, engine)
        failed = place.run(conditional, full=True)
        assert "a value holds what has a format of its own" in failed.failures["one"]
        assert "return a bool" in failed.failures["one"]
        assert LOADED == []
        assert place.run(conditional, full=False).failures == {}


def test_a_map_never_goes_through_a_list_that_was_damaged_in_its_row(home: Path) -> None:
    with Local(1) as engine, Store.open(home) as store:
        place = Place(store, engine)
        place.run(spread, more=1)
        data, damaged = value.dump([1, 2]), value.dump([8, 9])
        with store.write() as tx:
            tx.execute(update(schema.artifact).where(schema.artifact.c.data == data).values(data=damaged))
        failed = place.run(spread, more=2)
        assert "does not match its content address" in failed.failures["plus"]
        assert failed.lost == {hashlib.sha256(data).hexdigest()}
