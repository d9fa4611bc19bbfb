"""Landing: what was executed anew is found again by the next run."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import pytest

import argosy as ag
from argosy.engine.local import Local
from argosy.store import Store
from tests.pipelines.runs import Place

HALF = 20_000


@ag.step
def two() -> tuple[Annotated[bytes, "same"], Annotated[bytes, "other"]]:
    """The second differs each time, and so does the pack that both lie in."""
    return b"k" * HALF, os.urandom(HALF)


@ag.step
def size(data: bytes, more: int) -> int:
    return len(data) + more


@ag.pipeline
def packed(more: int = 0) -> Any:
    same, _ = two()
    return size(same, more)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def place(request: pytest.FixtureRequest, home: Path) -> Iterator[Place]:
    at = str(home) if request.param == "sqlite" else request.getfixturevalue("postgres_home")
    with Local(1) as engine, Store.open(at, blobs=home / "blobs") as store:
        yield Place(store, engine)


def packs(store: Store) -> list[Path]:
    return [path for path in store.blobs.root.rglob("*") if path.is_file()]


def test_a_result_whose_pack_is_gone_lies_in_the_one_that_it_was_put_in_last(place: Place) -> None:
    assert place.states(place.run(packed)) == {"two": "executed", "size": "executed"}
    for path in packs(place.store):
        path.unlink()
    assert place.states(place.run(packed)) == {"two": "executed", "size": "cached"}
    assert place.states(place.run(packed)) == {"two": "cached", "size": "cached"}
    assert place.results(place.run(packed, more=1)) == [HALF + 1]


@pytest.mark.parametrize("damage", [lambda data: data[:100], lambda data: b"x" + data[1:]], ids=["cut", "flipped"])
def test_a_result_whose_pack_is_damaged_is_read_from_the_next(place: Place, damage: Callable[[bytes], bytes]) -> None:
    place.run(packed)
    for path in packs(place.store):
        path.write_bytes(damage(path.read_bytes()))
    assert place.states(place.run(packed, more=1)) == {"two": "cached", "size": "failed"}
    assert place.states(place.run(packed, more=1)) == {"two": "executed", "size": "executed"}
    assert place.states(place.run(packed, more=2)) == {"two": "cached", "size": "executed"}
