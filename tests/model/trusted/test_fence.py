"""The fence, tried from within: each act by code of a model in a process that has raised it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from argosy.errors import ArgosyError
from argosy.model.matrix import Matrix
from argosy.model.trusted.process import Process
from tests.model.trusted.conftest import does

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Landlock and seccomp are of Linux")
SECRET = "ARGOSY_TEST_SECRET"


def _told(process: Process, act: Callable[[Matrix], Any]) -> str:
    """What became of an act, which must not end the process."""
    turn = process.load(1, data := does(act))
    try:
        found, now = process.answer(1, data, turn, np.zeros((2, 4)))
    except ArgosyError as error:
        assert process.turn == turn
        return error.message
    assert now == turn
    return str(found.tolist())


def test_no_file_is_written_nor_read_but_the_libraries(process: Process, tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.write_text("secret")
    text, mode = str(place), place.stat().st_mode
    reading = [
        lambda rows, place=place: Path(place).read_text()
        for place in (text, "/etc/passwd", f"/proc/{os.getpid()}/environ")
    ]
    writing = [lambda rows, place=place: Path(place).touch() for place in (f"{text}2", "/dev/shm/x", "/tmp/x")]
    for act in (
        *reading, *writing, lambda rows: Path(text).write_text("x"), lambda rows: os.remove(text),
        lambda rows: os.rename(text, text + "2"), lambda rows: os.truncate(text, 0),
        lambda rows: os.listdir(os.path.dirname(text)), lambda rows: os.link(text, text + "2"),
        lambda rows: os.symlink(text, text + "2"), lambda rows: os.mkdir(text + "2"),
        lambda rows: os.mkfifo(text + "2"), lambda rows: os.chmod(text, 0o777), lambda rows: os.chown(text, 1, 1),
        lambda rows: os.utime(text, (1, 1)),
    ):  # fmt: skip
        assert "PermissionError" in _told(process, act)
    assert place.read_text() == "secret" and place.stat().st_mode == mode and len(list(tmp_path.iterdir())) == 1


def test_no_socket_is_opened_and_no_process_is_started_or_touched(process: Process) -> None:
    def connect(rows: Matrix) -> None:
        import socket

        socket.socket()

    def pair(rows: Matrix) -> None:
        import socket

        socket.socketpair()

    def start(rows: Matrix) -> None:
        import subprocess

        subprocess.run(["true"], check=True)

    def signals(rows: Matrix) -> None:
        import ctypes

        if ctypes.CDLL(None, use_errno=True).syscall(234, os.getppid(), os.getppid(), 0) != 0:
            raise PermissionError(ctypes.get_errno())

    def bounds(rows: Matrix) -> None:
        import resource

        resource.prlimit(0, resource.RLIMIT_NOFILE, (9, 9))

    acts = (
        connect, pair, start, bounds, lambda rows: os.fork(), lambda rows: os.system("true") and 1 / 0,
        lambda rows: os.kill(os.getppid(), 0), lambda rows: os.execv("/bin/true", ["true"]),
        lambda rows: os.posix_spawn("/bin/true", ["true"], {}), lambda rows: os.pidfd_open(os.getppid()),
    )  # fmt: skip
    for act in (*acts, signals) if os.uname().machine == "x86_64" else acts:
        assert "raises" in (told := _told(process, act)) and ("Permission" in told or "ZeroDivision" in told), told


def test_nothing_secret_is_in_its_environment(process: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SECRET, "x")
    process.end()
    assert _told(process, lambda rows: [float(SECRET in os.environ), float(len(sys.argv))]) == "[0.0, 4.0]"


def test_memory_is_bounded(process: Process) -> None:
    assert "MemoryError" in _told(process, lambda rows: np.ones(6 << 30, dtype=np.uint8)[:2])


def test_what_models_need_goes_on() -> None:
    def works(rows: Matrix) -> Matrix:
        import resource
        import threading
        from zoneinfo import ZoneInfo

        from scipy.special import expit  # a library that was not loaded yet
        from sklearn.ensemble import RandomForestRegressor

        ZoneInfo("Europe/Berlin")
        found: list[float] = []
        thread = threading.Thread(target=lambda: found.append(1.0))
        thread.start()
        thread.join()
        size = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
        forest = RandomForestRegressor(n_estimators=4, n_jobs=2).fit(np.eye(4), np.ones(4)).predict(rows)
        return np.asarray(forest * found[0] + size + expit(0.0) - 0.5)

    process = Process()  # it loads libraries, which takes longer than an answer may take elsewhere here
    try:
        assert _told(process, works) == "[1.0, 1.0]"
    finally:
        process.end()
