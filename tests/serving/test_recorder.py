"""The recorder: nothing acknowledged is lost beyond what it states, and a full disk is said, not hidden."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from argosy.errors import CapacityError, InputError
from argosy.model.signature import Feature, Signature
from argosy.serving.recorder import Recorder
from argosy.serving.segment import ONE_IN, Line, Stream
from tests.serving.conftest import NOW

STREAM = Stream("f", Signature((Feature("x", "number"), Feature("at", "boolean")), "regression", "y"))


WIDTH = len(STREAM.schema)


def line(name: str, x: float | None = 1.5) -> Line:
    return (name, "a/b", 1_364_817_600_000_000, "r", "f/a/b@1", "own", 0.25, False, 900, None, x, True)


def rows(directory: Path) -> list[str]:
    found = [pl.read_ipc(path)["row_key"].to_list() for path in sorted(directory.rglob("*.arrow"))]
    return [name for names in found for name in names]


def test_flush_returns_when_everything_is_on_disk(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, lambda: NOW, flush_seconds=60)
    recorder.add(STREAM, [line("a"), line("b")])
    assert recorder.waiting == 2 and recorder.flush() == 2 and recorder.waiting == 0
    assert rows(tmp_path) == ["a", "b"]
    assert recorder.flush() == 2
    recorder.close()
    assert [path.suffix for path in tmp_path.rglob("*") if path.is_file()] == [".arrow"]


def test_time_alone_writes_too(tmp_path: Path, wait_until: Callable[[Callable[[], bool]], None]) -> None:
    recorder = Recorder(tmp_path, lambda: NOW, flush_seconds=0.05)
    recorder.add(STREAM, [line("a")])
    wait_until(lambda: rows(tmp_path) == ["a"])
    recorder.close()
    assert rows(tmp_path) == ["a"]


def test_two_recorders_never_collide_and_close_writes_the_rest(tmp_path: Path) -> None:
    both = [Recorder(tmp_path, lambda: NOW, flush_seconds=60) for _ in range(2)]
    for number, recorder in enumerate(both):
        recorder.add(STREAM, [line(str(number))])
        recorder.close()
    assert sorted(rows(tmp_path)) == ["0", "1"]
    with pytest.raises(CapacityError):
        both[0].add(STREAM, [line("late")])


def test_many_threads_lose_nothing(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, lambda: NOW, flush_seconds=0.01, flush_rows=50)

    def work(thread: int) -> None:
        for i in range(200):
            recorder.add(STREAM, [line(f"{thread}-{i}")])

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    recorder.close()
    assert sorted(rows(tmp_path)) == sorted(f"{n}-{i}" for n in range(4) for i in range(200))


def test_a_disk_that_refuses_keeps_the_rows_and_then_refuses_more(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("a file where the folder should be")
    recorder = Recorder(tmp_path, lambda: NOW, flush_seconds=0.05, limit_values=2 * WIDTH, durable=True)
    recorder.add(STREAM, [line("a"), line("b")])
    with pytest.raises(CapacityError, match="2 predictions are not on disk"):
        recorder.flush()
    with pytest.raises(CapacityError, match="2 predictions wait to be written"):
        recorder.add(STREAM, [line("c")])
    (tmp_path / "f").unlink()
    end = time.monotonic() + 60
    while recorder.waiting and time.monotonic() < end:
        time.sleep(0.02)
    recorder.add(STREAM, [line("c")])
    recorder.close()
    assert rows(tmp_path) == ["a", "b", "c"]


def test_what_a_recorder_could_not_write_until_its_end_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "f").write_text("a file where the folder should be")
    recorder = Recorder(tmp_path, lambda: NOW)
    recorder.add(STREAM, [line("a"), line("b")])
    recorder.close()
    assert "2 predictions of fleet f are lost: the recorder ends" in caplog.text


def test_a_kill_loses_nothing_that_was_flushed(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", _KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    flushed = [int(process.stdout.readline()) for _ in range(5)]
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    found = rows(tmp_path)
    assert len(found) == len(set(found)) and set(map(str, range(flushed[-1]))) <= set(found)


_KILLED = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from argosy.model.signature import Feature, Signature
from argosy.serving.recorder import Recorder
from argosy.serving.segment import Stream
stream = Stream("f", Signature((Feature("x", "number"),), "regression", "y"))
recorder = Recorder(Path(sys.argv[1]), lambda: datetime.now(UTC), flush_seconds=0.02)
number = 0
while True:
    for _ in range(500):
        recorder.add(stream, [(str(number), "m", 0, "r", "v", "own", 0.5, False, 900, None, 1.0)])
        number += 1
    recorder.flush()
    print(number, flush=True)
"""


def test_a_flush_interval_that_means_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        Recorder(tmp_path, lambda: NOW, flush_seconds=0)


def columns(names: list[str]) -> list[list[object]]:
    return [list(values) for values in zip(*map(line, names), strict=True)]


def test_rows_that_come_in_columns_are_recorded_beside_lines(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, lambda: NOW, flush_seconds=60)
    recorder.add(STREAM, [line("a")])
    recorder.add_columns(STREAM, columns(["b", "c"]))
    recorder.add(STREAM, [line("d")])
    assert recorder.waiting == 4 and recorder.flush() == 4
    recorder.close()
    assert sorted(rows(tmp_path)) == ["a", "b", "c", "d"]


def test_where_the_disk_is_behind_some_rows_stand_for_the_others(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("a file where the folder should be")
    draw = random.Random(7).random
    recorder = Recorder(tmp_path, lambda: NOW, flush_seconds=0.05, limit_values=4_000 * WIDTH, draw=draw)
    for number in range(3_000):
        recorder.add(STREAM, [line(f"{number}")])
        recorder.add_columns(STREAM, columns([f"{number}a", f"{number}b"]))
    assert 2_900 < recorder.waiting <= 4_000
    assert recorder.waiting + recorder.dropped == 9_000
    (tmp_path / "f").unlink()
    recorder.close()
    frames = [pl.read_ipc(path).select("row_key", ONE_IN) for path in tmp_path.rglob("*.arrow")]
    found = pl.concat(frames)
    assert found["row_key"].n_unique() == found.height
    shares = dict(found.group_by(ONE_IN).len().iter_rows())
    assert 2_000 <= shares[1] <= 2_002 and 900 < shares[2] < 1_100 and 400 < shares[4] < 600 and 8 in shares
    assert 8_000 < sum(one_in * count for one_in, count in shares.items()) < 10_000  # all that were answered


def test_durable_recording_drops_nothing_and_refuses_at_its_limit(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("a file where the folder should be")
    recorder = Recorder(tmp_path, lambda: NOW, flush_seconds=60, limit_values=100 * WIDTH, durable=True)
    for number in range(100):
        recorder.add(STREAM, [line(str(number))])
    with pytest.raises(CapacityError, match="100 predictions wait to be written"):
        recorder.add(STREAM, [line("more")])
    (tmp_path / "f").unlink()
    recorder.close()
    assert sorted(rows(tmp_path)) == sorted(map(str, range(100)))
