"""The developer's commands, as far as they can be tried without setting an environment up."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def dev(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, root / "dev", *arguments], capture_output=True, text=True, check=False)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what `dev` reads, and no environment."""
    shutil.copy(ROOT / "dev", tmp_path)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(ROOT / "lock", tmp_path / "lock")
    (tmp_path / "bench").mkdir()
    (tmp_path / "bench" / "join.py").write_text('"""Joins at a point in time.\n\nMore of it."""\n')
    (tmp_path / "bench" / "_peer.py").touch()
    return tmp_path


def test_help_is_the_docstrings() -> None:
    shown = dev(ROOT, "--help")
    assert shown.returncode == 0
    for command in ("demo", "test", "lint", "bench", "lock"):
        assert f"./dev {command} " in shown.stdout


def test_an_unknown_command_is_a_mistake_of_usage() -> None:
    shown = dev(ROOT, "tset")
    assert shown.returncode == 2
    assert "no command 'tset'" in shown.stderr


def test_bench_without_a_name_lists_and_refuses_others(checkout: Path) -> None:
    assert dev(checkout, "bench").stdout.split(maxsplit=1) == ["join", "Joins at a point in time.\n"]
    refused = dev(checkout, "bench", "_peer")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert not (checkout / ".venv").exists()


def test_lock_files_fit_the_project() -> None:
    assert _outdated(ROOT) == "[]\n"


def test_a_changed_requirement_makes_every_lock_file_outdated(checkout: Path) -> None:
    project = checkout / "pyproject.toml"
    project.write_text(project.read_text().replace('"rich>=14"', '"rich>=13"'))
    assert _outdated(checkout) == f"{sorted(path.name for path in (ROOT / 'lock').glob('*.txt'))}\n"


def test_what_runs_is_what_was_tested() -> None:
    """The pins of a user's environment are those of the developer's."""
    run, developer = set(_pins("run")), set(_pins("dev"))
    assert run <= developer
    assert not any(pin.startswith(("torch==", "protobuf==7")) for pin in developer)
    assert not any(pin.startswith("pyarrow==") for pin in run)  # what a user may have, and nobody must


def _pins(kind: str) -> list[str]:
    lines = (ROOT / "lock" / f"{kind}.txt").read_text().splitlines()
    return [line.removesuffix(" \\") for line in lines if "==" in line]


def _outdated(root: Path) -> str:
    """What `dev` says of the lock files, asked without running a command."""
    ask = (
        "import runpy, sys; sys.dont_write_bytecode = True; "
        "print([path.name for path in runpy.run_path(sys.argv[1])['outdated']()])"
    )
    asked = subprocess.run([sys.executable, "-c", ask, root / "dev"], capture_output=True, text=True, check=True)
    return asked.stdout
