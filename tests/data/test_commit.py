from __future__ import annotations

import random
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest
from polars.testing import assert_frame_equal

from argosy.data.source import offers
from argosy.errors import CapacityError
from argosy.store import Store, contracts, datasets, edges, events, executions, findings, statistics
from tests.data.table import DAY, START, dataset, everything, put, rows, take

pytestmark = pytest.mark.fault

_FILES = 12
_WORK = """
import sys
from pathlib import Path
from argosy.store import Store
from tests.data.table import START, DAY, put, rows, take
home, root = Path(sys.argv[1]), Path(sys.argv[2])
with Store.open(home) as store:
    print("ready", flush=True)
    for index in range(max(len(list(root.glob("data/*.parquet"))) - 1, 0), {files}):
        path = root / "data" / f"{{index:02d}}.parquet"
        if not path.exists():
            rows(index * 200, 300, at=START + index * DAY).write_parquet(path.with_suffix(".part"))
            path.with_suffix(".part").rename(path)
        take(store, root, now=START + index * DAY)
"""


def facts(store: Store) -> list[object]:
    """What an ingest leaves behind, without what it cost."""
    with store.read() as conn:
        versions = datasets.versions(conn, "table")
        runs = executions.of_subject(conn, "table", 1000)
        return [
            [(each.number, each.rows, each.added, each.digest, each.columns) for each in versions],
            [(each.outcome, each.metrics) for each in runs],
            [(each.direction, each.kind, each.reference) for each in edges.of(conn, [run.id for run in runs])],
            [(each.kind, each.message) for each in events.since(conn)],
            [contract.body for contract in contracts.history(conn, "table")],
            [statistics.get(conn, "table", each.number) for each in versions],
            [findings.of(conn, "table", each.number) for each in versions],
            [(part.digest, part.purpose) for each in ("rows", "waiting") for part in
             datasets.parts(conn, "table", 10**6, purpose=each)],
        ]  # fmt: skip


@pytest.mark.slow
def test_killed_at_any_moment_it_ends_as_if_undisturbed(tmp_path: Path) -> None:
    kills, chance, found = 0, random.Random(7), []
    for name in ("undisturbed", "killed"):
        home, root = tmp_path / name / "home", tmp_path / name / "project"
        (root / "data").mkdir(parents=True)
        while True:
            command = [sys.executable, "-c", _WORK.format(files=_FILES), str(home), str(root)]
            with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]) as process:
                assert process.stdout is not None
                if name == "killed" and kills < 12:
                    process.stdout.readline()
                    time.sleep(chance.uniform(0, 0.12))
                    kills += process.poll() is None
                    process.kill()
                if process.wait() == 0:
                    break
        with Store.open(home) as store:
            found.append((facts(store), everything(store)))
    assert kills >= 5
    assert found[0][0] == found[1][0]
    assert_frame_equal(found[0][1], found[1][1])


def test_a_full_disk_leaves_nothing_and_the_next_try_completes(store: Store, root: Path) -> None:
    put(root, "a", rows(0, 50_000))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024, hard))
    try:
        with pytest.raises(CapacityError):
            take(store, root, now=START + 10_000 * DAY)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    with store.read() as conn:
        assert datasets.version(conn, "table") is None
        assert [each.label for each in offers(conn, dataset(), root, START)] == ["data/a.parquet"]
    assert not [path for path in store.blobs.root.rglob("*") if path.is_file()]
    assert take(store, root, now=START + 10_000 * DAY).added == 50_000
