"""The prepared tables of the flights example, parsed once for all its tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from examples.flights.world import World, load


@pytest.fixture(scope="session")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="session")
def world(directory: Path) -> World:
    return load(directory)
