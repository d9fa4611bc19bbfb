"""Markers of annotations: they know a table when they see one, and import no library to do so."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from argosy.spec.annotation import Model, Table

FRAME = pl.DataFrame({"x": [1]})


@pytest.mark.parametrize(
    "value",
    [FRAME, FRAME.lazy(), FRAME["x"], pd.DataFrame(), pd.Series(dtype=float), FRAME.to_arrow(),
     pa.RecordBatch.from_pydict({"x": [1]})],
)  # fmt: skip
def test_frames_of_any_library_are_tables(value: object) -> None:
    assert isinstance(value, Table)


@pytest.mark.parametrize("value", [None, 1, "x", {}, [FRAME], np.zeros(3), pl.Int64(), pa.schema([])])
def test_nothing_else_is_a_table(value: object) -> None:
    assert not isinstance(value, Table)
    assert isinstance(value, Model)


def test_annotations_import_no_library() -> None:
    look = (
        "import sys; from argosy.spec.annotation import Table; from argosy.spec.report import Report\n"
        "import argosy.spec.format, argosy.pipelines.format\n"
        "assert not isinstance(1, Table)\n"
        "print(*sorted({'polars', 'pandas', 'pyarrow', 'sklearn', 'lightgbm', 'numpy', 'skops'} & set(sys.modules)))"
    )
    seen = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert seen.stdout.split() == []
