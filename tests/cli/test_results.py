"""`ag.results`: what a run gave, as the values that its steps gave."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import argosy as ag
from argosy.errors import UnknownError
from tests.cli.pipes import Pipes


def test_values_come_as_they_were_given(given: Path) -> None:
    found = ag.results(1)
    assert list(found)[:3] == ["rows", "told", "mixed"] and len(found) == 12 and "rows" in repr(found)
    assert isinstance(found["rows"], pl.DataFrame) and found["rows"].height == 30
    assert found["told"] == {"n": 30, "at": (1, 2)} and found["mixed"]["frame"]["x"].to_list() == [30]
    assert found["squares"] == [1, 4, 9] and [each.height for each in found["frames"]] == [1, 1]
    assert isinstance(found["array"], np.ndarray) and isinstance(found["report"], ag.Report)
    assert found["model"].predict([[3.0]]) == pytest.approx([3.0], abs=0.1)
    assert found["file"].name == "scores of may.csv" and found["file"].read_text() == "a,b\n1,2\n"
    assert (found["site"] / "in" / "page.html").read_text() == "page"
    assert found["constant"] is None
    with pytest.raises(KeyError):
        found["other"]


def test_a_format_of_the_project_needs_its_module(given: Path) -> None:
    script = f"import argosy as ag\nfound = ag.results(1, home={str(given)!r})\n"
    lacking = subprocess.run([sys.executable, "-c", f"{script}found['route']"], capture_output=True, text=True)
    assert "there is no format 'route'" in lacking.stderr
    assert "import the module that registers it with @ag.format" in lacking.stderr
    whole = subprocess.run([sys.executable, "-c", f"import gifts\n{script}print(found['route'].stops)"],
                           capture_output=True, text=True, cwd=given.parent)  # fmt: skip
    assert whole.stdout == "['south', 'north']\n"


def test_a_run_that_is_not_there_or_failed(ran: Pipes) -> None:
    with pytest.raises(UnknownError, match="there is no run 9"):
        ag.results(9)
    assert ag.results(2, home=ran.home)["total"] is None
