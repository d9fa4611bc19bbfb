"""Homes to show: one built once, which pages only read, and empty ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from argosy.store import Store
from tests.console import build, sailed, tracks


@pytest.fixture(scope="session")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The store of `build.home`, which no test writes to."""
    with build.home(Path(tmp_path_factory.mktemp("shown"))) as store:
        yield store


@pytest.fixture(scope="session")
def sea(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The store of `sailed.home`, which no test writes to."""
    with sailed.home(Path(tmp_path_factory.mktemp("sea"))) as store:
        yield store


@pytest.fixture(scope="session")
def tracked_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The store of `tracks.home`, which no test writes to."""
    with tracks.home(Path(tmp_path_factory.mktemp("tracked"))) as store:
        yield store


@pytest.fixture
def store(home: Path) -> Iterator[Store]:
    """An empty home."""
    with Store.open(home) as made:
        yield made
