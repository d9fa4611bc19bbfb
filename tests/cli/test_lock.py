"""The lock of `argosy up`, held and left by real processes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from argosy.cli.lock import FOLDER, Lock, Up, holders
from argosy.errors import ConflictError

AT = datetime(2024, 5, 1, 8, 30, tzinfo=UTC)
HOLD = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from argosy.cli.lock import Lock
with Lock(Path(sys.argv[1]), datetime(2024, 5, 1, 8, 30, tzinfo=UTC), beside=False) as held:
    held.tell("http://127.0.0.1:8075")
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def other(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Another process that holds the lock until its stdin ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    yield process
    process.kill()
    process.communicate()


def test_who_comes_second_is_told_of_the_first_and_leaves_nothing(tmp_path: Path, other) -> None:
    first = Up(other.pid, AT, "http://127.0.0.1:8075")
    assert holders(tmp_path) == (first,)
    assert str(first) == f"since 2024-05-01 08:30 UTC at http://127.0.0.1:8075 (process {other.pid})"
    with (
        pytest.raises(ConflictError, match=re.escape(f"up already, {first}")),
        Lock(tmp_path, AT, beside=False),
    ):
        pytest.fail("it was held twice")
    assert holders(tmp_path) == (first,)
    with Lock(tmp_path, AT.replace(hour=9), beside=True) as held:
        assert held.others == (first,)
        assert [each.pid for each in holders(tmp_path)] == [other.pid, os.getpid()]
    assert holders(tmp_path) == (first,)
    other.communicate(b"\n")
    assert list((tmp_path / FOLDER).iterdir()) == []


def test_one_that_was_killed_holds_nothing(tmp_path: Path, other) -> None:
    other.send_signal(signal.SIGKILL)
    other.wait()
    assert [path.suffix for path in (tmp_path / FOLDER).iterdir()] == [f".{other.pid}"]
    with Lock(tmp_path, AT, beside=False) as held:
        assert held.others == ()
        assert [path.suffix for path in (tmp_path / FOLDER).iterdir()] == [f".{os.getpid()}"]


def test_a_home_that_was_never_up_is_left_as_it_is(tmp_path: Path) -> None:
    assert holders(tmp_path) == ()
    assert list(tmp_path.iterdir()) == []


def test_what_another_machine_wrote_is_its_own(tmp_path: Path) -> None:
    (tmp_path / FOLDER).mkdir()
    away = tmp_path / FOLDER / "elsewhere.12"
    away.write_text("{}")
    with Lock(tmp_path, AT, beside=False) as held:
        assert held.others == ()
    assert away.exists()
