"""argosy run, as far as a process of its own is needed."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.pipes import Pipes

PAIR = {
    "one.py": "import argosy as ag\n\n@ag.step\ndef give() -> int:\n    return 1\n\n@ag.pipeline\ndef first():\n"
    "    return give()\n",
    "two.py": "import argosy as ag\n\n@ag.step\ndef give() -> int:\n    return 2\n\n@ag.pipeline\ndef second():\n"
    "    return give()\n",
}


@pytest.fixture
def pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory of two modules, each with a pipeline, as the working directory; there is no home."""
    for name, text in PAIR.items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_module_that_declares_the_pipeline_is_run(run, pair: Path) -> None:
    unknown = run("run", "third")
    assert unknown.code == 2 and "declares pipeline 'third': one.py, two.py" in unknown.err, unknown.err
    assert run("apply", "two.py").code == 0
    (pair / "two.py").write_text(PAIR["two.py"].replace("return 2", "raise ValueError('new')"))
    done = run("run", "second")
    assert done.code == 1 and "ValueError: new" in done.err and "was applied" not in done.err, done.err


def test_a_run_that_reads_no_dataset_loads_nothing_heavy(pair: Path) -> None:
    program = (
        "import sys; from argosy.cli import main; assert main(['run', 'first', '--project', 'one.py']) == 0; "
        "print(sorted({'alembic', 'polars', 'numpy', 'sqlalchemy.dialects.postgresql'} & sys.modules.keys()))"
    )
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        assert done.stdout.splitlines()[-1] == "[]"


def test_code_that_was_applied_is_said_to_be_so(run, pair: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("apply", "two.py").code == 0
    (pair / "below").mkdir()
    monkeypatch.chdir(pair / "below")
    done = run("run", "second")
    assert done.code == 0, done.err
    first = done.err.splitlines()[0]
    assert first.startswith("the code that was applied on 2") and first.endswith(
        "(project two); no module here declares second"
    )
    unknown = run("run", "third")
    assert unknown.code == 2 and "no module here declares it, and it was not applied" in unknown.err


def test_a_package_may_declare_in_a_module_within(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bakery").mkdir()
    (tmp_path / "bakery/__init__.py").write_text("from .flow import sales\n")
    (tmp_path / "bakery/oven.py").write_text("LOAVES = 12\n")
    (tmp_path / "bakery/flow.py").write_text(
        "import argosy as ag\n\nfrom .oven import LOAVES\n\n@ag.step\ndef bake() -> int:\n    return LOAVES\n\n"
        "@ag.pipeline\ndef sales():\n    return bake()\n"
    )
    monkeypatch.chdir(tmp_path)
    done = run("run", "sales", "--project", "bakery")
    assert done.code == 0, done.err
    alone = run("run", "sales", "--project", "bakery/flow.py")
    assert alone.code == 2 and "flow.py is part of package bakery and cannot be imported alone" in alone.err, alone.err
    assert f"next: name the package, {tmp_path / 'bakery'}," in alone.err


def test_what_a_pipeline_function_raises_is_told_with_its_line(
    run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "flow.py").write_text(
        "import argosy as ag\n\n@ag.step\ndef give() -> int:\n    return 1\n\n@ag.pipeline\ndef p():\n    give()\n"
        "    raise RuntimeError('boom')\n"
    )
    monkeypatch.chdir(tmp_path)
    for command in (["run", "p"], ["run", "p", "--dry-run"], ["plan", "flow.py"], ["apply", "flow.py"]):
        found = run(*command)
        assert found.code == 2 and "flow.py line 10, in p: RuntimeError: boom" in found.err, found.err


def test_a_declaration_that_is_wrong_is_told_with_its_line(
    run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "flow.py").write_text(
        "import argosy as ag\n\nx = ag.Dataset('No Name', time='t', source=ag.Parquet('x'))\n"
    )
    monkeypatch.chdir(tmp_path)
    found = run("apply", "flow.py")
    assert found.code == 2 and "argosy: flow.py line 3: Dataset.name is 'No Name'" in found.err, found.err


FLOW = """
import argosy as ag

@ag.step
def give(n: int) -> list[int]:
    return list(range(n))

@ag.step
def root(x: int) -> float:
    if x == 2:
        raise ValueError("no root " * 60)
    return x**0.5

@ag.pipeline
def flow(n: int = 0):
    return root.map(give(n))
"""


def test_what_to_do_next_names_a_home_that_is_not_found_from_here(
    run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows/main.py").write_text(FLOW)
    monkeypatch.chdir(tmp_path)
    assert "next: argosy describe run 1 --home flows/.argosy\n" in run("run", "flow", "--project", "flows/main.py").err
    assert run("describe", "run", 1, "--home", "flows/.argosy").code == 0
    failed = run("run", "flow", "--set", "n=3", "--project", "flows/main.py").err
    assert "argosy logs 2 --home flows/.argosy, then argosy retry 2 --home flows/.argosy, or" in failed, failed
    assert "argosy retry 2 --home flows/.argosy," in run("retry", 2, "--home", "flows/.argosy").err
    monkeypatch.chdir(tmp_path / "flows")
    assert "next: argosy describe run 3\n" in run("run", "flow").err


def test_a_map_over_nothing_has_a_line_and_a_long_failure_says_that_it_goes_on(
    run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "flow.py").write_text(FLOW)
    monkeypatch.chdir(tmp_path)
    assert "  root  0 calls: it was given an empty list\n" in run("run", "flow").err
    (line,) = (each for each in run("run", "flow", "--set", "n=3").err.splitlines() if "root[2]" in each)
    assert line.endswith("…") and len(line) < 250, line


@pytest.mark.slow
def test_ctrl_c_leaves_a_run_to_the_process_that_is_at_work_on_it(pipes: Pipes, monkeypatch) -> None:
    monkeypatch.setenv("PIPES_SLEEP", "0.3")
    worker = pipes.start("run", "roots", "--set", "n=40")
    pipes.wait(1, "running", executed=2)
    follower = pipes.start("run", "roots", "--set", "n=40")
    assert follower.stdout is not None
    assert any("followed" in line for line in follower.stdout)
    follower.send_signal(signal.SIGINT)
    said, _ = follower.communicate(timeout=60)
    assert "run 1 goes on in another process\n  next: argosy cancel 1, to end it\n" in said
    assert pipes.state(1) == "running"
    worker.send_signal(signal.SIGINT)
    worker.communicate(timeout=60)


@pytest.mark.slow
def test_ctrl_c_ends_a_run_and_what_is_done_is_not_done_again(run, pipes: Pipes, monkeypatch) -> None:
    monkeypatch.setenv("PIPES_SLEEP", "0.3")
    process = pipes.start("run", "roots", "--set", "n=40")
    pipes.wait(1, "running", executed=4)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 130 and "interrupted" in said, said
    assert "run 1 cancelled; what it did stays\n  next: argosy retry 1, to go on with it\n" in said
    assert pipes.state(1) == "cancelled"
    before = pipes.done()
    monkeypatch.delenv("PIPES_SLEEP")
    again = run("run", "roots", "--set", "n=40")
    assert again.code == 0 and "run 2 succeeded" in again.err
    assert len(set(before) & set(pipes.done())) <= 4  # what was at work
