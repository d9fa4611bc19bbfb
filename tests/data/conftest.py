from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from argosy.store import Store


@pytest.fixture
def store(home: Path) -> Iterator[Store]:
    with Store.open(home) as opened:
        yield opened


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The folder of a project."""
    place = tmp_path / "project"
    place.mkdir()
    return place
