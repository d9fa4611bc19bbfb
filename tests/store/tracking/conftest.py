"""Stores on both back ends, and whose hand writes in them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from argosy.store import Store
from argosy.store.tracking import experiments
from argosy.store.tracking.changes import Hand

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def store(request: pytest.FixtureRequest, home: Path) -> Iterator[Store]:
    """An open store that holds the default experiment alone."""
    place = home if request.param == "sqlite" else request.getfixturevalue("postgres_home")
    with Store.open(place, blobs=home / "blobs") as store:
        with store.write() as tx:
            experiments.ensure_default(tx)
        yield store


@pytest.fixture
def hand() -> Hand:
    return Hand("ann", NOW)
