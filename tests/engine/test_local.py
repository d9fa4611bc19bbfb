"""The local engine: the shared suite, and what is its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from argosy.engine.contract import Engine, Task
from argosy.engine.local import Local
from argosy.errors import ArgosyError, ConflictError, InputError
from argosy.testing import chores
from argosy.testing.engine import EngineConformance, alive, gather, gone, tasks
from argosy.testing.tasks import TaskConformance
from argosy.testing.usage import UsageConformance


class TestLocal(EngineConformance, TaskConformance, UsageConformance):
    @pytest.fixture
    def engine(self) -> Iterator[Engine]:
        with Local(2, backoff=0.01) as engine:
            yield engine


def test_workers_import_only_what_they_need(tmp_path: Path) -> None:
    (tmp_path / "bare.py").write_text("import sys\ndef held():\n    return sorted(sys.modules)\n")
    with Local(1, paths=[tmp_path]) as engine:
        held = set(gather(engine.map("bare:held", [Task("")]))[""].value)
    assert "bare" in held
    assert not {name.partition(".")[0] for name in held} & {"argosy", "numpy", "msgspec", "multiprocessing"}


def test_function_of_a_project_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "faraway.py").write_text("def double(x):\n    return 2 * x\n")
    with Local(1, paths=[tmp_path]) as engine:
        assert gather(engine.map("faraway:double", tasks(4)))["0"].value == 8


def test_preload_that_cannot_be_imported() -> None:
    with Local(1, preload=["json", "no_such_module"]) as engine, pytest.raises(ArgosyError, match="no_such_module"):
        list(engine.map(chores.square, tasks(1)))


def test_preload_that_ends_the_process(tmp_path: Path) -> None:
    (tmp_path / "suicidal.py").write_text("import os\nos._exit(1)\n")
    engine = Local(1, preload=["suicidal"], paths=[tmp_path])
    with engine, pytest.raises(ArgosyError, match="died while it imported suicidal"):
        list(engine.map(chores.square, tasks(1)))


def test_preload_that_starts_threads_is_left_to_the_workers(tmp_path: Path) -> None:
    source = "import threading, time, os\nPID = os.getpid()\n"
    source += "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
    (tmp_path / "threaded.py").write_text(source)
    (tmp_path / "plain.py").write_text("import os\nPID = os.getpid()\n")
    (tmp_path / "ask.py").write_text(
        "import os, sys\n"
        "def ask():\n    return os.getpid(), os.getppid(), sys.modules['threaded'].PID, sys.modules['plain'].PID\n"
    )
    with Local(1, preload=["threaded", "plain"], paths=[tmp_path]) as engine:
        worker, nursery, threaded, plain = gather(engine.map("ask:ask", [Task("")]))[""].value
    assert (threaded, plain) == (worker, nursery)


@pytest.mark.slow
def test_what_pyarrow_does_when_imported_leaves_its_importers_to_be_preloaded() -> None:
    """What starts a thread is left to the workers: the process that they are forked from names it among the late."""
    import pyarrow  # noqa: F401 - it must be here for the test to say anything

    with Local(1, preload=["sklearn.metrics", "lightgbm"]) as engine:
        held = set(gather(engine.map(chores.imported, [Task("")]))[""].value)
        pid = gather(engine.map(chores.process, [Task("")]))[""].value
        parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]
        preload, late = Path(f"/proc/{parent}/cmdline").read_bytes().split(b"\0")[4:6]
    assert {"pyarrow", "sklearn.metrics", "lightgbm"} <= held
    assert (preload, late) == (b"sklearn.metrics,lightgbm", b"")


def test_random_states_differ() -> None:
    with Local(2, preload=["numpy"]) as engine:
        work = [Task(str(n), (1_000_000,)) for n in range(2)]
        first = next(engine.map("numpy.random:randint", work)).value
        draws = {r.value for r in engine.map("numpy.random:randint", [Task(str(n), (10**9,)) for n in range(50)])}
    assert 0 <= first < 1_000_000
    assert len(draws) == 50


def test_loss_of_the_nursery_is_survived() -> None:
    with Local(2) as engine:
        nursery = gather(engine.map("os:getppid", [Task("")]))[""].value
        results = engine.map(chores.sleep, [Task(str(n), (0.01,)) for n in range(60)], chunk_seconds=0.05)
        found = [next(results)]
        os.kill(nursery, signal.SIGKILL)
        found.extend(results)
        again = gather(engine.map("os:getppid", [Task("")]))[""].value
    assert sorted(int(result.key) for result in found) == list(range(60))
    assert not [result for result in found if result.failure]
    assert again != nursery


def test_one_map_at_a_time() -> None:
    with Local(1) as engine:
        first = engine.map(chores.square, tasks(1, 2, 3))
        next(first)
        with pytest.raises(ConflictError):
            list(engine.map(chores.square, tasks(1)))
        assert len(list(first)) == 2


def test_workers_below_one() -> None:
    with pytest.raises(InputError, match="workers is 0"):
        Local(0)


def test_tasks_print_to_standard_error() -> None:
    program = (
        "from argosy.engine.local import Local\nfrom argosy.engine.contract import Task\n"
        "with Local(1) as engine: list(engine.map('builtins:print', [Task('', ('noise',))]))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert (done.stdout, done.stderr) == ("", "noise\n")


_OWNER = """
import sys
from argosy.engine.local import Local
from argosy.engine.contract import Task
from argosy.testing import chores
engine = Local(2)
pids = {r.value for r in engine.map(chores.process, [Task(str(n)) for n in range(20)])}
pids |= {r.value for r in engine.map("os:getppid", [Task("")])}
print(*pids, flush=True)
for result in engine.map(chores.behave, [Task(str(n), ("hang",)) for n in range(4)]):
    pass
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_process_outlives_its_owner(how: signal.Signals) -> None:
    owner = subprocess.Popen([sys.executable, "-c", _OWNER], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    pids = [int(pid) for pid in owner.stdout.readline().split()]
    time.sleep(0.2)
    assert len(pids) >= 2 and all(alive(pid) for pid in pids)
    owner.send_signal(how)
    owner.communicate(timeout=60)
    assert owner.returncode == -how
    assert gone(*pids)


def test_engine_that_nobody_closes() -> None:
    pids = [result.value for result in Local(1).map(chores.process, [Task("")])]
    assert gone(*pids)


def test_started_from_a_thread_that_ends() -> None:
    engine = Local(1)
    thread = threading.Thread(target=engine.__enter__)
    thread.start()
    thread.join()
    with engine:
        assert gather(engine.map(chores.square, tasks(5)))["0"].value == 25


@pytest.mark.slow
def test_owner_imports_no_libraries() -> None:
    program = (
        "import sys\nfrom argosy.engine.local import Local\nfrom argosy.engine.contract import Task\n"
        "with Local(1) as e: assert not next(e.map('sklearn:show_versions', [Task('', ())])).failure\n"
        "print(*sorted({'sklearn', 'lightgbm', 'polars', 'pandas'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], timeout=60, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "\n"), done.stderr


@pytest.mark.slow
def test_lightgbm_fits_in_forked_workers() -> None:
    with Local(2, preload=["sklearn.linear_model", "lightgbm"]) as engine:
        held = gather(engine.map(chores.imported, [Task("")]))[""].value
        results = gather(engine.map("tests.engine.chores_learning:fit", tasks(*range(6)), timeout=60))
    assert "lightgbm" in held
    assert not [result.failure for result in results.values() if result.failure]
    assert len({result.value for result in results.values()}) == 6
