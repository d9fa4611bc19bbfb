"""The fence, tried from within: each act by code of a model in a process that has raised it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from argosy.model.matrix import Matrix
from argosy.model.trusted.fence import CALLS, FILES, MEMORY
from argosy.model.trusted.process import Ended, Process
from tests.model.trusted.conftest import does, told

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Landlock and seccomp are of Linux")
SECRET = "ARGOSY_TEST_SECRET"


def test_no_file_is_written_nor_read_but_the_libraries(process: Process, tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.write_text("secret")
    text, mode = str(place), place.stat().st_mode
    reading = [
        lambda rows, place=place: Path(place).read_text()
        for place in (text, "/etc/passwd", f"/proc/{os.getpid()}/environ", sys.prefix + "/pyvenv.cfg")
    ]
    writing = [lambda rows, place=place: Path(place).touch() for place in (f"{text}2", "/dev/shm/x", "/tmp/x")]
    for act in (
        *reading, *writing, lambda rows: Path(text).write_text("x"), lambda rows: os.remove(text),
        lambda rows: os.rename(text, text + "2"), lambda rows: os.truncate(text, 0),
        lambda rows: os.listdir(os.path.dirname(text)), lambda rows: os.link(text, text + "2"),
        lambda rows: os.symlink(text, text + "2"), lambda rows: os.mkdir(text + "2"),
        lambda rows: os.mkfifo(text + "2"), lambda rows: os.chmod(text, 0o777), lambda rows: os.chown(text, 1, 1),
        lambda rows: os.utime(text, (1, 1)), lambda rows: os.removexattr(text, "user.x"),
    ):  # fmt: skip
        assert "PermissionError" in told(process, act)
    assert place.read_text() == "secret" and place.stat().st_mode == mode and len(list(tmp_path.iterdir())) == 1


def test_nothing_secret_is_in_its_environment(process: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SECRET, "x")
    process.end()
    assert told(process, lambda rows: [float(SECRET in os.environ), float(len(sys.argv))]) == "[0.0, 4.0]"


def test_memory_is_bounded(process: Process) -> None:
    turn = process.load(1, data := does(lambda rows: np.ones(6 << 30, dtype=np.uint8)[:2]))
    with pytest.raises(Ended, match="it needs more than the 4,096 MB that all have together"):
        process.answer(1, data, turn, np.zeros((2, 4)))


def test_what_models_need_goes_on() -> None:
    def works(rows: Matrix) -> Matrix:
        import resource
        import threading
        from zoneinfo import ZoneInfo

        from scipy.special import expit  # a library that was not loaded yet
        from sklearn.ensemble import RandomForestRegressor

        ZoneInfo("Europe/Berlin")
        with open(os.devnull, "w") as nowhere:  # as who wants others to be quiet does
            print("x", file=nowhere)
        assert Path.home() and not os.isatty(0)
        found: list[float] = []
        thread = threading.Thread(target=lambda: found.append(1.0))
        thread.start()
        thread.join()
        size = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
        forest = RandomForestRegressor(n_estimators=4, n_jobs=2).fit(np.eye(4), np.ones(4)).predict(rows)
        return np.asarray(forest * found[0] + size + expit(0.0) - 0.5)

    process = Process()  # it loads libraries, which takes longer than an answer may take elsewhere here
    try:
        assert told(process, works) == "[1.0, 1.0]"
    finally:
        process.end()


_RAISES = """
import resource, sys, threading
exec(sys.argv[1])
from argosy.model.trusted.fence import raise_
print(*raise_(4 << 30))
open("/proc/self/status").read()
print(*[line.split()[1] for line in open("/proc/self/status") if line.startswith(("CapEff", "CapPrm"))])
print(*[resource.getrlimit(each)[0] for each in (resource.RLIMIT_AS, resource.RLIMIT_NOFILE)])
"""


def _raised(before: str) -> list[list[str]]:
    done = subprocess.run([sys.executable, "-c", _RAISES, before], capture_output=True, text=True, check=True)
    return [line.split() for line in done.stdout.splitlines()]


def test_it_stands_whole_and_leaves_no_privilege() -> None:
    stands, capabilities, bounds = _raised("")
    assert stands == [MEMORY, FILES, CALLS] and capabilities == ["0" * 16] * 2 and bounds == [str(4 << 30), "256"]


def test_bounds_that_are_lower_already_stay() -> None:
    """As where a service or a shell bounds all that it starts."""
    lower = (
        "resource.setrlimit(resource.RLIMIT_NOFILE, (99, 99)); resource.setrlimit(resource.RLIMIT_AS, (1 << 30,) * 2)"
    )
    assert _raised(lower)[2] == [str(1 << 30), "99"]


def test_where_another_thread_runs_already_it_says_that_it_holds_none() -> None:
    thread = "threading.Thread(target=threading.Event().wait, daemon=True).start()"
    assert _raised(thread)[0] == [MEMORY]
