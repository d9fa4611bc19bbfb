"""Runs of pipelines whose processes are killed, stopped and interrupted, and steps that misbehave."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from sqlalchemy import select

from argosy.controller import tenure
from argosy.controller.clock import SystemClock
from argosy.store import Store, runs, schema
from tests.faults.runners import ARGOSY, PATIENCE, Field, is_there, kill, told

pytestmark = [pytest.mark.fault, pytest.mark.slow]

MARKS = '''
import contextlib
import os
import time
from typing import Any

import argosy as ag
import polars as pl


@contextlib.contextmanager
def marked(folder, call, ms):
    """Tell when a step starts and ends."""
    def tell(what):
        line = f"{what} {call} {os.getpid()} {time.time()}\\n"
        file = os.open(f"{folder}/marks", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(file, line.encode())
        os.close(file)
    tell("start")
    time.sleep(ms / 1000)
    yield
    tell("end")
'''
GRAPH = f"""{MARKS}

@ag.step(retries=9)
def link(folder: str, x: int) -> int:
    with marked(folder, f"link-{{x}}", 1 + x * 7 % 30):
        return x + 1


@ag.step(retries=9)
def numbers(folder: str, x: int) -> list[int]:
    with marked(folder, f"numbers-{{x}}", 5):
        return [x * 100 + each for each in range(60)]


@ag.step(retries=9)
def square(folder: str, x: int) -> int:
    with marked(folder, f"square-{{x}}", 1 + x % 30):
        return x * x


@ag.step(retries=9)
def table(folder: str, x: int) -> ag.Table:
    with marked(folder, f"table-{{x}}", 1 + x % 30):
        return pl.DataFrame({{"x": [x + each for each in range(2_000)]}})


@ag.step(retries=9)
def height(folder: str, rows: ag.Table) -> int:
    with marked(folder, f"height-{{rows['x'][0]}}", 2):
        return int(rows["x"].sum())


@ag.step(retries=9)
def add(a: int, b: int, folder: str) -> int:
    with marked(folder, f"add-{{a}}-{{b}}", 1 + (a + b) % 10):
        return a + b


@ag.step(retries=9)
def last(folder: str, x: int, depth: int) -> int:
    with marked(folder, f"last-{{x}}-{{depth}}", 5):
        return x * depth


def chain(folder, count):
    x = 0
    for _ in range(count):
        x = link(folder, x)
    return x


@ag.pipeline
def go(folder: str):
    start = chain(folder, 15)
    many = numbers(folder, start)
    frames = table.map(folder, many)
    heights = height.map(folder, frames)
    sums = add.reduce(square.map(folder, many), folder=folder)
    return [start, sums, heights, frames]


@ag.pipeline
def fork(folder: str, depth: int = 1):
    x = chain(folder, 12)
    return [last.map(folder, square.map(folder, numbers(folder, x)), depth=depth)]
"""
KILLS = 50
LATEST = 0.25
"""Seconds that a result may wait to be landed (see `Runner.patience`)."""
SLACK = 0.75
"""Seconds that a landing and a step may take on a busy machine."""


@pytest.fixture
def field(tmp_path: Path) -> Iterator[Field]:
    made = Field(tmp_path / "field", GRAPH)
    yield made
    deadline = time.monotonic() + 60
    while (left := made.processes()) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not left, "no worker outlives its runner"


def executions(field: Field) -> list[str]:
    """The keys of all that was executed and succeeded."""
    with Store.open(field.home) as store, store.read() as conn:
        return list(
            conn.execute(select(schema.execution.c.key).where(schema.execution.c.outcome == "succeeded")).scalars()
        )


def interrupted(field: Field) -> None:
    """Once the lease of a killed process has expired, nothing says that its run is running."""
    with Store.open(field.home) as store, store.read() as conn:
        found = runs.latest(conn, "go")
        states = runs.states(conn, [each.id for each in found], SystemClock().now() + 2 * tenure.LEASE)
    assert set(states.values()) <= {runs.INTERRUPTED}


def put_to_sleep(process: subprocess.Popen[str], field: Field) -> None:
    """Stop a process where it has something landed and records nothing: in the middle of a step."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        os.kill(process.pid, signal.SIGSTOP)
        while Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] != "T":
            time.sleep(0.001)
        with (
            closing(sqlite3.connect(field.home / "argosy.db", timeout=0.1)) as there,
            suppress(sqlite3.OperationalError),
        ):
            there.execute("BEGIN IMMEDIATE")
            if there.execute("SELECT count(*) FROM execution").fetchone() != (0,):
                return
        os.kill(process.pid, signal.SIGCONT)
        time.sleep(0.05)
    raise AssertionError("it lands nothing")


def expired(field: Field) -> None:
    """Wait until nobody holds a lease on the only run."""
    end = time.monotonic() + PATIENCE
    with Store.open(field.home) as store:
        while time.monotonic() < end:
            with store.read() as conn:
                (found,) = runs.latest(conn, "go")
                if runs.states(conn, [found.id], SystemClock().now()) == {found.id: runs.INTERRUPTED}:
                    return
            time.sleep(0.1)
    raise AssertionError("the lease does not expire")


def test_a_graph_killed_fifty_times_ends_with_the_results_of_one_left_alone(field: Field, tmp_path: Path) -> None:
    """A step is executed again only if its end was not recorded when its runner was killed: results land together.

    So what ends twice, ended first at most `LATEST` and the time of a landing before a kill; and no result is recorded
    twice. A worker that is killed costs the steps that it was at.
    """
    draw = random.Random(20130215)
    whole = Field(tmp_path / "whole", GRAPH)
    alone = whole.run("go", folder=str(whole.root))
    kills: list[float] = []
    workers = 0
    done = None
    while done is None:
        process = field.start("go", folder=str(field.root))
        before, more = len(field.lines()), draw.randint(1, 14)
        reached = len(kills) + workers < KILLS and field.wait(process, lambda lines, n=before + more: len(lines) >= n)
        if not reached:
            done = told(process)
        elif draw.random() < 0.3:
            victim = field.lines()[-1].pid
            if is_there(victim):
                os.kill(victim, signal.SIGKILL)
                workers += 1
            field.wait(process, lambda lines, n=before + more + 4: len(lines) >= n)
            kills.append(time.time())
            kill(process)
        else:
            kills.append(time.time())
            kill(process)
            interrupted(field)
    assert len(kills) + workers >= KILLS * 0.8 and workers >= 5
    assert field.made(done["run"]) == whole.made(alone["run"])
    assert done["results"] == alone["results"]
    keys = executions(field)
    assert len(keys) == len(set(keys)) == len(executions(whole))
    ends: dict[str, list[float]] = {}
    for line in field.lines():
        if line.what == "end":
            ends.setdefault(line.call, []).append(line.at)
    twice = [at for found in ends.values() for at in found[:-1]]
    late = [at for at in twice if not any(-SLACK <= killed - at <= LATEST + SLACK for killed in kills)]
    assert not late
    assert len(twice) <= 12 * len(kills)


def test_two_processes_that_run_the_same_do_each_step_once(field: Field) -> None:
    both = [field.start("go", folder=str(field.root)) for _ in range(2)]
    one, other = map(told, both)
    assert one["outcome"] == other["outcome"] == "succeeded" and one["results"] == other["results"]
    assert set(field.ended().values()) == {1}


def test_two_runs_with_other_parameters_do_once_what_they_share(field: Field) -> None:
    both = [field.start("fork", folder=str(field.root), depth=depth) for depth in (2, 3)]
    one, other = map(told, both)
    assert one["run"] != other["run"] and one["outcome"] == other["outcome"] == "succeeded"
    ended = field.ended()
    assert set(ended.values()) == {1} and len(ended) == 12 + 1 + 60 + 2 * 60


SHORT = f"""
from datetime import timedelta
from argosy.controller import tenure
tenure.LEASE, tenure._BEAT = timedelta(seconds=4), 0.5
{ARGOSY}
"""
NAP = f"""{MARKS}

@ag.step
def nap(folder: str, n: int) -> int:
    with marked(folder, f"nap-{{n}}", 600):
        return n


@ag.pipeline
def go(folder: str):
    return [nap.map(folder, list(range(8)))]
"""


def test_a_process_that_slept_through_its_lease_lands_nothing_and_says_so(tmp_path: Path) -> None:
    field = Field(tmp_path / "field", NAP)
    sleeper = field.start("go", program=SHORT, folder=str(field.root))
    try:
        assert field.wait(sleeper, lambda lines: len(lines) >= 5)
        put_to_sleep(sleeper, field)
        before = set(executions(field))
        expired(field)
        done = told(field.start("go", program=SHORT, folder=str(field.root)))
        after = executions(field)
        assert done["outcome"] == "succeeded" and before < set(after) and len(after) == 8
        os.kill(sleeper.pid, signal.SIGCONT)
        _, said = sleeper.communicate(timeout=60)
    finally:
        if sleeper.poll() is None:
            kill(sleeper)
    assert sleeper.returncode not in (0, -signal.SIGKILL)
    assert f"lease run/{done['run']}" in said and "next:" in said and "Traceback" not in said
    assert executions(field) == after
    with Store.open(field.home) as store, store.read() as conn:
        assert [each.outcome for each in runs.history(conn, done["run"])] == ["succeeded"]


def test_an_interrupted_run_is_cancelled_and_the_next_one_goes_on(field: Field) -> None:
    draw = random.Random(7)
    for _ in range(4):
        process = field.start("go", folder=str(field.root))
        before, more = len(field.lines()), draw.randint(1, 20)
        assert field.wait(process, lambda lines, n=before + more: len(lines) >= n)
        os.kill(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=60)
        assert process.returncode == 130, said
        assert "Traceback" not in said
        with Store.open(field.home) as store, store.read() as conn:
            (found,) = runs.latest(conn, "go")
            assert runs.states(conn, [found.id], SystemClock().now()) == {found.id: runs.CANCELLED}
    done = field.run("go", folder=str(field.root))
    assert done["outcome"] == "succeeded" and done["counts"]["cached"] > 0
    keys = executions(field)
    assert len(keys) == len(set(keys))


ROUGH = {
    "leaks": "memory: its worker held ",
    "leaves_children": "children: left a child process running when it ended",
    "hangs": "timeout: ran for 1",
    "floods": "log: wrote ",
    "formless": "exception: InputError: a value of type builtins.object has no format",
    "mute": "exception: Unspeakable",
    "leaves": "crash: its worker ended with exit code 3",
    "crashes": "crash: its worker was ended by SIGSEGV",
    "strays": "",
    "moves": "",
    "closes": "crash: its worker ended with exit code 0",
    "swaps": "",
    "garbles": "",
    "interrupts": "exception: KeyboardInterrupt",
    "exits": "exception: SystemExit: 7",
    "large": "",
}
"""What becomes of each step of `rough.py`: why it fails, if it does."""


def test_a_step_that_misbehaves_fails_alone_and_the_next_one_feels_nothing_of_it(tmp_path: Path) -> None:
    field = Field(tmp_path / "field", (Path(__file__).parent / "rough.py").read_text())
    done = told(field.start("go"), 1)
    states = field.states(done["run"])
    for name, why in ROUGH.items():
        assert states[name][0] == ("failed" if why else "executed"), (name, states[name])
        assert states[name][1].startswith(why), name
    good = {name: state for name, (state, _) in states.items() if name not in ROUGH}
    assert len(good) == len(ROUGH) + 1 and set(good.values()) == {"executed"}
    made = field.made(done["run"])
    folders = {str(made[call]) for call in made if call[0].startswith("good")}
    assert len(folders) == 1, "all are in the same working directory"


HEAVY = """
import argosy as ag
import polars as pl


@ag.step
def rows(n: int) -> ag.Table:
    return pl.select(x=pl.int_range(n).hash(3))


@ag.step
def many(n: int) -> list[bytes]:
    return [bytes([n + each]) * 6000 for each in range(3)]


@ag.step
def height(rows: ag.Table, add: int) -> int:
    return rows.height + add


@ag.step
def length(one: bytes, add: int) -> int:
    return len(one) + add


@ag.pipeline
def go(add: int = 0):
    return [height(rows(400_000), add), length.map(many(1), add=add)]
"""


@pytest.fixture
def heavy(tmp_path: Path) -> Field:
    return Field(tmp_path / "field", HEAVY)


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Field:
    """The same, which was run once."""
    field = Field(tmp_path_factory.mktemp("once") / "field", HEAVY)
    assert field.run("go", add=0)["counts"] == {"executed": 6}
    return field


@pytest.fixture
def first(once: Field, tmp_path: Path) -> Field:
    """The same after its first run, in a place of its own."""
    return once.copy(tmp_path / "field")


def blobs(field: Field) -> list[Path]:
    """The files of artifacts, not those of bundles, which begin with the name of a module."""
    found = [path for path in (field.home / "blobs").rglob("*") if path.is_file()]
    return [path for path in found if not path.read_bytes().startswith(b"project.py")]


def test_a_step_that_finds_no_room_fails_and_leaves_nothing_behind(heavy: Field) -> None:
    """A process that may write no file above a size stands for a full disk: both end a write with an error."""
    cramped = f"import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000,) * 2)\n{ARGOSY}"
    done = told(heavy.start("go", program=cramped), 1)
    assert done["counts"] == {"executed": 4, "failed": 1, "skipped": 1}
    assert done["reason"] == "rows: exception: OSError: File too large (os error 27)"
    with Store.open(heavy.home) as store:
        for path in store.blobs.root.rglob("*"):
            if path.is_file():
                store.blobs.check(path.name)
    assert heavy.run("go")["counts"] == {"executed": 2, "cached": 4}


def test_a_result_whose_bytes_are_gone_is_made_again(first: Field) -> None:
    for path in blobs(first):
        path.unlink()
    assert first.run("go", add=1)["counts"] == {"executed": 6}
    assert first.run("go", add=1)["counts"] == {"cached": 6}


def flip(data: bytes) -> bytes:
    return data[:3_000] + bytes([data[3_000] ^ 1]) + data[3_001:]


@pytest.mark.parametrize("damage", [flip, lambda data: data[:100], lambda data: b""], ids=["flipped", "cut", "emptied"])
def test_a_damaged_result_is_never_used_and_made_again_by_the_run_that_finds_it(
    first: Field, damage: Callable[[bytes], bytes]
) -> None:
    for path in blobs(first):
        path.write_bytes(damage(path.read_bytes()))
    done = first.run("go", add=1)
    assert (done["outcome"], done["counts"]) == ("succeeded", {"executed": 6})
    assert first.run("go", add=1)["counts"] == {"cached": 6}
    with Store.open(first.home) as store:
        for path in blobs(first):
            store.blobs.check(path.name)
