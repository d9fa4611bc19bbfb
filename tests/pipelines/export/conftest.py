"""The stand-in for `argosy`, and environments in which other schedulers are."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.pipelines.export.night import Stand

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def stand(tmp_path: Path) -> Stand:
    return Stand(tmp_path)


@pytest.fixture(scope="session")
def apart() -> Callable[[str], Path]:
    """The directory of an environment that holds what lock/KIND.txt lists; made where it is not there yet."""

    @cache
    def find(kind: str) -> Path:
        ask = "import runpy, sys; print(runpy.run_path('dev')['apart'](sys.argv[1]))"
        made = subprocess.run([sys.executable, "-B", "-c", ask, kind], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert made.returncode == 0, f"the environment of lock/{kind}.txt could not be made"
        return Path(made.stdout.strip())

    return find
