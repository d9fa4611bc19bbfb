"""What tests of formats share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pipelines.trip import Trip


@pytest.fixture
def trip(tmp_path: Path) -> Trip:
    """A way to the blob store and back."""
    return Trip(tmp_path)
