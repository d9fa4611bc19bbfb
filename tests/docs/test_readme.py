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


@pytest.mark.slow
def test_the_demo_prints_what_is_shown(tmp_path: Path) -> None:
    (shown,) = (
        step.shown
        for block in blocks(ROOT / "README.md")
        if block.language == "console"
        for step in steps(block.text)
        if step.command == "./dev demo"
    )
    home = str(tmp_path / "demo")
    program = str(Path(sys.executable).with_name("argosy"))
    command = [program, "demo", "--until", "2013-04-02", "--no-serve", "--home", home]
    wide = {**os.environ, "COLUMNS": "200"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, env=wide)
    assert done.returncode == 0, done.stderr
    assert set(_words(done.stdout)) - set(_words(shown)) == set()
    assert _words(shown)[0] == _words(done.stdout)[0]
