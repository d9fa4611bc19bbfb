from __future__ import annotations

import sys
from pathlib import Path

import pytest

from argosy.controller.preload import ALWAYS, libraries
from argosy.controller.project import load


@pytest.mark.usefixtures("home")
def test_what_a_project_names_of_libraries_is_preloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the standard library, nor what starts threads, nor its own modules."""
    place = tmp_path / "made"
    place.mkdir()
    (place / "helper.py").write_text(
        "from sklearn.metrics import roc_auc_score\nimport numpy as np\nAREA = np.float64(1)\n"
    )
    (place / "main.py").write_text(
        "import json\nfrom pathlib import Path\nimport polars as pl\nimport argosy as ag\nfrom helper import AREA\n"
        "from lightgbm import LGBMClassifier\nflights = ag.Dataset('flights', time='at', source=ag.Parquet('x'))\n"
    )
    load(place / "main.py")
    found = libraries(place)
    assert found[: len(ALWAYS)] == ALWAYS
    assert {name.partition(".")[0] for name in found[len(ALWAYS) :]} == {"lightgbm", "numpy", "sklearn"}
    assert all(name in sys.modules for name in found)
    assert libraries(None) == ALWAYS
