"""Notebooks in real kernels: what they give, how they fail, and that nothing stays behind."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from argosy.errors import InputError
from argosy.pipelines.notebook.kernel import FailedNotebook, execute
from tests.pipelines.notebook.paper import TEXT, notebook

pytestmark = pytest.mark.slow

PID = "import os, pathlib\npathlib.Path('pid').write_text(str(os.getpid()))"


def written(place: Path, *cells: tuple[str, str]) -> Path:
    path = place / "report.ipynb"
    path.write_bytes(notebook(*cells))
    return path


def outputs(executed: bytes) -> list[Any]:
    return [each for cell in json.loads(executed)["cells"] for each in cell.get("outputs", [])]


def ended(pid: int) -> bool:
    """Whether a process ends within ten seconds."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.05)
    return False


def test_a_notebook_runs_with_its_parameters_and_leaves_nothing(tmp_path: Path) -> None:
    look = "import psutil\n{each.laddr.ip for each in psutil.Process().net_connections('inet')}"
    path = written(
        tmp_path,
        (TEXT, "# Report"),
        ("parameters", "depth = 1"),
        ("", f"{PID}\nimport beside, subprocess\nchild = subprocess.Popen(['sleep', '1000'])\nprint(depth, child.pid)"),
        ("", look),
        ("raises-exception", "1 / 0"),
    )
    (tmp_path / "beside.py").touch()
    before = path.read_bytes()
    executed = execute(path, {"depth": 21}, timeout=120)
    printed, listening, failed = outputs(executed)
    depth, child = printed["text"][0].split()
    assert (
        depth == "21"
        and listening["data"]["text/plain"] == ["{'127.0.0.1'}"]
        and failed["ename"] == "ZeroDivisionError"
    )
    assert ended(int((tmp_path / "pid").read_text())) and ended(int(child))
    assert path.read_bytes() == before and sorted(os.listdir(tmp_path)) == ["beside.py", "pid", "report.ipynb"]


def test_equal_outputs_are_equal_bytes(tmp_path: Path) -> None:
    path = written(tmp_path, ("parameters", "depth = 1"), ("", "depth"))
    assert execute(path, {"depth": 2}) == execute(path, {"depth": 2})


def test_a_cell_that_fails_is_named(tmp_path: Path) -> None:
    path = written(tmp_path, ("parameters", "x = 1"), (TEXT, "## Divide"), ("", PID), ("", "# deep\nx / 0"), ("", "x"))
    with pytest.raises(FailedNotebook) as caught:
        execute(path, {"x": 3})
    assert str(caught.value).startswith("report.ipynb failed in cell 4 (# deep): ZeroDivisionError: division by zero\n")
    assert outputs(caught.value.executed)[-1]["ename"] == "ZeroDivisionError"
    assert pickle.loads(pickle.dumps(caught.value)).executed == caught.value.executed
    assert ended(int((tmp_path / "pid").read_text()))


def test_time_that_is_over_ends_the_kernel(tmp_path: Path) -> None:
    path = written(tmp_path, ("", PID), ("", "sum(range(10**12))"))
    started = time.monotonic()
    with pytest.raises(FailedNotebook, match=r"failed in cell 2 \(sum\(range\(10\*\*12\)\)\): its 8 s were over"):
        execute(path, timeout=8)
    assert time.monotonic() - started < 20
    assert ended(int((tmp_path / "pid").read_text()))


def test_a_kernel_that_ends_is_told_of(tmp_path: Path) -> None:
    path = written(tmp_path, ("", "import os\nos._exit(3)"))
    with pytest.raises(FailedNotebook, match=r"failed in cell 1 \(import os\): its kernel ended"):
        execute(path)


# A sum holds the interpreter: no thread of the kernel can see that its parent is gone.
@pytest.mark.fault
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_kernel_ends_with_the_process_that_started_it(tmp_path: Path, how: signal.Signals) -> None:
    path = written(tmp_path, ("", f"{PID}\nsum(range(10**12))"))
    code = (
        "import pathlib, sys; from argosy.pipelines.notebook.kernel import execute; execute(pathlib.Path(sys.argv[1]))"
    )
    with TemporaryDirectory() as place:  # a killed process cannot clear its own away
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(path)],
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "TMPDIR": place},
        )
        deadline = time.monotonic() + 60
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(how)
        _, said = process.communicate(timeout=60)
        assert ended(int((tmp_path / "pid").read_text()))
    assert how == signal.SIGKILL or said.splitlines()[-1] == "KeyboardInterrupt"


def test_what_is_no_notebook_starts_nothing(tmp_path: Path) -> None:
    path = tmp_path / "report.ipynb"
    path.write_text("{}")
    with pytest.raises(InputError, match="is no Jupyter notebook"):
        execute(path)
