"""The stand-in for `argosy`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pipelines.export.night import Stand


@pytest.fixture
def stand(tmp_path: Path) -> Stand:
    return Stand(tmp_path)
