"""A home to import into, and a folder to import from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from argosy.store import Store


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def store(request: pytest.FixtureRequest, home: Path) -> Iterator[Store]:
    place = home if request.param == "sqlite" else request.getfixturevalue("postgres_home")
    with Store.open(place, blobs=home / "blobs") as store:
        yield store


@pytest.fixture
def root(tmp_path: Path) -> Path:
    place = tmp_path / "mlruns"
    place.mkdir()
    return place
