"""A minute of mixed load with a swap each second: every answer is what it should be, and memory has an end."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GROWTH_MB = 100
"""Of both workers, in the 45 seconds in which their caches fill to 16 MB each."""


@pytest.mark.slow
def test_no_answer_is_wrong_while_versions_swap(tmp_path: Path) -> None:
    found = tmp_path / "found.json"
    command = [sys.executable, "bench/soak.py", "--seconds", "60", "--members", "300", "--json", str(found)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    ours = {row["case"]: row["ours"] for row in json.loads(found.read_text())["rows"]}
    assert ours["answered"] > 100 and ours["refused as bad"] > 100 and ours["told to wait"] > 0
    assert ours["memory, in the end"] - ours["memory, in the beginning"] < GROWTH_MB
