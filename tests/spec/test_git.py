"""Git: what it says of a directory, and that it need not be there."""

from __future__ import annotations

from pathlib import Path

import pytest

from argosy.spec.git import ask
from tests.controller.checkout import git


def test_an_answer_and_none(tmp_path: Path) -> None:
    assert ask(tmp_path, "rev-parse", "HEAD") is None
    git(tmp_path, "init", "-q")
    assert ask(tmp_path, "status", "--porcelain") == ""
    (tmp_path / "große[1].json").touch()
    assert ask(tmp_path, "ls-files", "-z", "--others", "--", "große[1].json") == "große[1].json\0"


def test_a_machine_without_git_has_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(tmp_path, "init", "-q")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert ask(tmp_path, "status", "--porcelain") is None
