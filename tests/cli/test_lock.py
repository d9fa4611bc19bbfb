"""The lock of `argosy up`, held and left by real processes."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import pytest

from argosy.cli.lock import Lock, Up, holders
from argosy.errors import ConflictError
from argosy.store import Store

AT = datetime(2024, 5, 1, 8, 30, tzinfo=UTC)
HOLD = """
import sys
from datetime import UTC, datetime
from argosy.cli.lock import Lock, holders
from argosy.store import Store
at = datetime(2024, 5, 1, 8, 30, tzinfo=UTC)
"""
ONCE = """
with Store.open(sys.argv[1]) as store, Lock(store, at, beside=False) as held:
    held.tell("http://127.0.0.1:8075")
    print("held", flush=True)
    sys.stdin.readline()
"""
TWICE = """
with Store.open(sys.argv[1]) as store, Lock(store, at, beside=True) as one, Lock(store, at, beside=True) as two:
    one.tell("http://127.0.0.1:1")
    two.tell("http://127.0.0.1:2")
    print(len(two.others), *sorted(each.url for each in holders(store)))
"""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "home") as opened:
        yield opened


@pytest.fixture
def other(store: Store) -> Iterator[subprocess.Popen[bytes]]:
    """Another process that holds the lock until its stdin ends."""
    command = [sys.executable, "-c", HOLD + ONCE, store.home]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    yield process
    process.kill()
    process.communicate()


def files(store: Store) -> list[Path]:
    """What processes hold, or have left; the file that each locks to look at them is not among it."""
    return [path for path in (store.blobs.root.parent / "up").glob("*/[!.]*") if path.is_file()]


def test_who_comes_second_is_told_of_the_first_and_leaves_nothing(store: Store, other) -> None:
    first = Up(other.pid, AT, "http://127.0.0.1:8075")
    assert holders(store) == (first,)
    assert str(first) == f"since 2024-05-01 08:30 UTC at http://127.0.0.1:8075 (process {other.pid})"
    with (
        pytest.raises(ConflictError, match=re.escape(f"up already, {first}")),
        Lock(store, AT, beside=False),
    ):
        pytest.fail("it was held twice")
    assert holders(store) == (first,)
    with Lock(store, AT.replace(hour=9), beside=True) as held:
        assert held.others == (first,)
        assert [each.pid for each in holders(store)] == [other.pid, os.getpid()]
    assert holders(store) == (first,)
    other.communicate(b"\n")
    assert files(store) == []


def test_one_that_was_killed_holds_nothing(store: Store, other) -> None:
    other.send_signal(signal.SIGKILL)
    other.wait()
    (left,) = files(store)
    with Lock(store, AT, beside=False) as held:
        assert held.others == ()
        (path,) = files(store)
        assert path != left
    assert holders(store) == ()


def test_a_home_that_was_never_up_is_left_as_it_is(store: Store) -> None:
    assert holders(store) == ()
    assert not (store.blobs.root.parent / "up").exists()


def test_what_another_machine_wrote_is_its_own(store: Store) -> None:
    with Lock(store, AT, beside=False):
        (path,) = files(store)
    away = path.with_name(path.name.replace(socket.gethostname(), "elsewhere"))
    away.write_text("{}")
    with Lock(store, AT, beside=False) as held:
        assert held.others == ()
    assert away.exists()


def test_two_of_one_machine_name_and_process_id_both_hold(store: Store) -> None:
    """As in two containers over one directory."""
    done = subprocess.run([sys.executable, "-c", HOLD + TWICE, store.home], capture_output=True, timeout=60)
    assert done.stdout == b"1 http://127.0.0.1:1 http://127.0.0.1:2\n", done.stderr.decode()
    assert files(store) == []


def test_homes_whose_blobs_lie_side_by_side_have_a_lock_each(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    with (
        Store.open(tmp_path / "one", blobs=shared / "one") as one,
        Store.open(tmp_path / "two", blobs=shared / "two") as two,
        Lock(one, AT, beside=False),
        Lock(two, AT, beside=False) as held,
    ):
        assert held.others == ()
        assert [len(holders(each)) for each in (one, two)] == [1, 1]


def test_it_locks_what_nfs_lets_it_lock(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    real = fcntl.flock

    def as_over_nfs(file: int | IO[bytes], operation: int) -> None:
        """An exclusive lock is for who may write, as fcntl(2) has it, by which Linux locks there."""
        if operation & fcntl.LOCK_EX and fcntl.fcntl(file, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        real(file, operation)

    monkeypatch.setattr(fcntl, "flock", as_over_nfs)
    with Lock(store, AT, beside=False) as held:
        held.tell("http://127.0.0.1:8075")
        assert [each.url for each in holders(store)] == ["http://127.0.0.1:8075"]
