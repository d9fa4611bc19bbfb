from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from argosy.cli import main, show
from argosy.cli.app import NAMES
from argosy.errors import UnknownError

HEAVY = ("polars", "sklearn", "lightgbm", "pandas", "torch", "sqlalchemy", "litestar", "numpy")
START = "import sys; from argosy.cli import main; sys.exit(main())"


def test_help_lists_every_command_and_imports_none(run) -> None:
    ask = f"import sys; from argosy.cli import main; main(['--help']); print([m for m in {HEAVY} if m in sys.modules])"
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    shown = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    spent = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
    assert shown.stdout.splitlines()[-1] == "[]"
    assert spent < 1.0  # 0.15 s where bytecode is cached
    for name in NAMES:
        assert f" {name} " in shown.stdout


@pytest.mark.parametrize("name", NAMES)
def test_every_command_shows_examples(run, name: str) -> None:
    shown = run(name, "--help")
    assert shown.code == 0
    assert "For example:\n  argosy " + name in shown.out
    assert max(len(line) for line in shown.out.splitlines()) <= 100


def test_version(run) -> None:
    assert run("--version").out.strip() == "0.1.0"


def test_an_unknown_command_is_a_mistake_of_usage(run) -> None:
    shown = run("aply")
    assert (shown.code, shown.out) == (2, "")
    assert shown.err == "argosy: there is no command 'aply'\n  next: argosy apply --help\n"


def test_a_missing_argument_is_a_mistake_of_usage(run) -> None:
    shown = run("why")
    assert shown.code == 2
    assert "ADDRESS" in shown.err and "next: argosy why --help" in shown.err
    listed = run("get")
    assert listed.code == 2 and "use one of: alerts, aliases," in listed.err and "versions, windows" in listed.err


def test_a_command_is_printed_as_it_can_be_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "my checkout" / ".venv" / "bin"
    folder.mkdir(parents=True)
    for name in ("argosy", "python"):
        (folder / name).touch(mode=0o755)
    monkeypatch.setattr("sys.executable", str(folder / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path / "my checkout")
    assert show.command() == ".venv/bin/argosy"
    monkeypatch.chdir(tmp_path)
    assert show.command() == "'my checkout/.venv/bin/argosy'"
    monkeypatch.setenv("PATH", str(folder))
    assert show.command() == "argosy"


def test_the_demo_states_its_own_home(run) -> None:
    shown = " ".join(run("demo", "--help").out.replace("│", " ").split())
    assert "Default: argosy/demo in the user's cache directory" in shown and "nearest .argosy" not in shown


def test_an_error_says_what_and_what_next_without_a_traceback(run, tmp_path: Path) -> None:
    shown = run("get", "members", "--home", tmp_path / "nowhere")
    assert (shown.code, shown.out) == (2, "")
    assert f"there is no home in {tmp_path / 'nowhere'}" in shown.err
    assert "next: argosy apply" in shown.err
    assert "Traceback" not in shown.err


def test_the_traceback_is_there_for_who_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARGOSY_DEBUG", "1")
    with pytest.raises(UnknownError):
        main(["get", "members", "--home", str(tmp_path / "nowhere")])


@pytest.mark.slow
def test_ctrl_c_prints_one_line(late: Path) -> None:
    following = subprocess.Popen(
        [sys.executable, "-c", START, "events", "-w"], cwd=late, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert following.stdout is not None
    following.stdout.readline()
    time.sleep(0.2)
    following.send_signal(signal.SIGINT)
    _, err = following.communicate(timeout=60)
    assert following.returncode == 130
    assert err == b"argosy: interrupted; what was committed stays, the rest was not begun\n"


@pytest.mark.slow
def test_a_reader_that_leaves_is_no_error(late: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            [sys.executable, "-c", START, "get", "events"], cwd=late, stdout=write, stderr=subprocess.PIPE, check=False
        )
    finally:
        os.close(write)
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr and b"Exception" not in done.stderr
