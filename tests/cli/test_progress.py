"""Progress is one line on a terminal, and nothing where a command is quick and nobody looks."""

from __future__ import annotations

import os
import pty
import sys

import pytest

from argosy.cli.progress import Progress


def test_a_terminal_sees_one_line_that_goes_away(monkeypatch: pytest.MonkeyPatch) -> None:
    master, slave = pty.openpty()
    with os.fdopen(slave, "w") as terminal, os.fdopen(master, "rb", 0) as screen:
        monkeypatch.setattr(sys, "stderr", terminal)
        progress = Progress()
        progress.tell(lambda: "5 of 10 rows scored")
        assert screen.read(1000) == b"\r\x1b[2K5 of 10 rows scored"
        progress.tell(lambda: pytest.fail("it was said just now"))
        progress.end()
        assert screen.read(1000) == b"\r\x1b[2K"


def test_nobody_is_told_of_what_is_quick(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress()
    progress.tell(lambda: pytest.fail("nobody asked"))
    progress.end()
    assert capsys.readouterr() == ("", "")
