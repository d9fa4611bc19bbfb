"""Bytes from outside, altered with an eye on what they reach: answered or refused, and nothing breaks or grows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.seeds import SEEDS
from tests.fuzz.targets import TARGETS

SECONDS = 4
APART = ["sh", "-c", '"$@"; exit $?', "sh"]
"""A shell between: a process inherits the peak of memory of who starts it, which the fuzzer takes for its own."""
REFUSED = {"heads": 1, "scored": 2}
"""Seeds that are not taken on purpose: they lead to what refuses them."""


@pytest.mark.parametrize("target", TARGETS)
def test_seeds_are_taken_for_what_they_are(target: str) -> None:
    taken = [TARGETS[target](seed) for seed in SEEDS[target]()]
    assert taken.count(False) == REFUSED.get(target, 0) and True in taken


@pytest.mark.fault
@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS)
def test_altered_bytes_break_nothing(target: str, tmp_path: Path) -> None:
    command = [
        *APART,
        sys.executable,
        "-m",
        "tests.fuzz.run",
        target,
        "--seconds",
        str(SECONDS),
        "--corpus",
        str(tmp_path),
    ]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    found = [path.name for path in tmp_path.iterdir() if "-" in path.name]
    assert (ran.returncode, found) == (0, []), ran.stderr[-4000:]
    assert len(list(tmp_path.iterdir())) > len(SEEDS[target]())  # it reached more than it began with
