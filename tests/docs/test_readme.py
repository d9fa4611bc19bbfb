"""What the README shows of the demo is what the demo prints."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.page import ROOT, blocks, steps

_FIGURE = re.compile(r"\d[\d,]*(\.\d+)?|\.\.\.")
_UNIT = re.compile(r"(\bN (s|min|h)\b ?)+|(?<=took )N")


def _words(text: str) -> list[str]:
    """The lines of a report from its table on, without figures, spaces and rules."""
    lines = text[text.index("month") :].splitlines()
    plain = (_UNIT.sub("SPAN ", re.sub(r"\s+", " ", _FIGURE.sub("N", line))).strip() for line in lines)
    return [line.replace("SPAN ,", "SPAN,") for line in plain if line and not line.startswith("─")]


def _shown() -> str:
    (shown,) = (
        step.shown
        for block in blocks(ROOT / "README.md")
        if block.language == "console"
        for step in steps(block.text)
        if step.command == "./dev demo"
    )
    return shown


def test_the_table_fits_a_terminal() -> None:
    table = _shown()[: _shown().index("Beside")].splitlines()
    assert max(len(line) for line in table) <= 80


def test_what_the_readme_says_of_the_table_is_true() -> None:
    months = [line.split() for line in _shown().splitlines() if re.match(r"\d{4}-\d\d ", line)]
    managed, frozen, pooled = ([float(row[place]) for row in months] for place in (5, 6, 7))
    assert len(months) == 9
    assert all(ours < theirs for ours, theirs in zip(managed, frozen, strict=True))
    assert [row[0] for row, ours, one in zip(months, managed, pooled, strict=True) if one < ours] == ["2013-04"]


@pytest.mark.slow
def test_the_demo_prints_what_is_shown(tmp_path: Path) -> None:
    program = str(Path(sys.executable).with_name("argosy"))
    command = [program, "demo", "--until", "2013-04-02", "--no-serve", "--home", str(tmp_path / "demo")]
    wide = {**os.environ, "COLUMNS": "200"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, env=wide)
    assert done.returncode == 0, done.stderr
    assert set(_words(done.stdout)) - set(_words(_shown())) == set()
    assert _words(_shown())[0] == _words(done.stdout)[0]
    assert all(re.search(r"AUC +log-loss\s+month", text) for text in (_shown(), done.stdout))
