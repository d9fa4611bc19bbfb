"""What a process that was killed had begun to write: found once it is old, cleared away, and nothing else with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import pytest

from argosy.controller import leftover
from argosy.controller.clock import ManualClock
from argosy.controller.house import House
from argosy.controller.loop import run
from argosy.store import declarations, leases
from argosy.store.store import Store
from tests.controller.world import FLEET, NOW, populate

pytestmark = [pytest.mark.fault, pytest.mark.slow]

# A process that is killed in the middle of one of its writes.
DYING = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
import polars as pl
from argosy.controller import bundle
from argosy.features import trainingset
from argosy.model.signature import infer_signature
from argosy.serving import recorder
from argosy.store.store import Store

def die(*given, **named):
    Path(given[-1], "begun").write_bytes(b"x" * 1000) if isinstance(given[-1], Path) else None
    os.kill(os.getpid(), signal.SIGKILL)

home, fleet, what = sys.argv[1:]
now = datetime(2013, 1, 1, tzinfo=UTC)
with Store.open(home) as store:
    root = store.blobs.root.parent
    if what == "blob":
        os.fsync = die
        store.blobs.put(b"begun")
    elif what == "bundle":
        digest, bundle._extract = store.blobs.put(b"no tar"), die
        bundle.unpack(store.blobs, digest, root / "bundles")
    elif what == "set":
        trainingset._write = die
        frame = pl.DataFrame({"a": [1.0, 2.0], "late": [0, 1], "at": [now, now]})
        signature = infer_signature(frame, ["a"], task="binary", label="late")
        trainingset.build(frame, signature, trainingset.Columns((), "at", "late"), root / "sets" / fleet / ("0" * 32))
    else:
        pl.DataFrame.write_ipc = die
        writing = recorder.Recorder(root / "segments", lambda: now)
        writing._write(recorder.Stream(fleet, None), pl.DataFrame())
"""


@pytest.fixture
def store(home: Path, tmp_path: Path) -> Iterator[Store]:
    """A home with a fleet of one member, where nothing is left to do."""
    with Store.open(home) as made:
        populate(made, tmp_path / "project", 1)
        yield made


def later(hours: float) -> datetime:
    """So many hours from now, by the machine's clock."""
    return datetime.now(UTC) + timedelta(hours=hours)


@pytest.mark.parametrize("what", ["blob", "bundle", "set", "segment"])
def test_what_was_killed_in_a_write_is_found_when_it_is_old_and_cleared_away(store: Store, what: str) -> None:
    root = store.blobs.root.parent
    before = {path for path in root.rglob("*") if path.is_file()}
    died = subprocess.run([sys.executable, "-c", DYING, str(root), FLEET, what], capture_output=True, timeout=60)
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert leftover.find(store, later(23)) == []
    (found,) = leftover.find(store, later(25))
    assert found.path.name.startswith(".") and found.path.exists()
    assert leftover.remove([found]) == [found] and not found.path.exists()
    assert leftover.find(store, later(25)) == []
    kept = {path for path in root.rglob("*") if path.is_file()}
    assert before <= kept and not [path for path in kept - before if path.name.startswith(".")]


def test_a_folder_that_somebody_still_writes_into_is_left_alone(store: Store) -> None:
    sets = store.blobs.root.parent / "sets" / FLEET
    sets.mkdir(parents=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{'0' * 32}.", dir=sets))
    (draft / "matrix.npy").write_bytes(b"still growing")
    long_ago = later(-48).timestamp()
    os.utime(draft, (long_ago, long_ago))
    assert leftover.find(store, later(0)) == []
    os.utime(draft / "matrix.npy", (long_ago, long_ago))
    assert [each.path for each in leftover.find(store, later(0))] == [draft]


def test_training_sets_of_a_fleet_that_is_declared_or_worked_on_are_kept(store: Store) -> None:
    withdrawn = [
        declarations.NewDeclaration(
            kind="fleet", name="withdrawn", fingerprint="f", body={}, at=NOW, actor="ann", removed=removed
        )
        for removed in (False, True)
    ]
    with store.write() as tx:
        declarations.add(tx, withdrawn)
    for fleet in (FLEET, "withdrawn"):
        folder = store.blobs.root.parent / "sets" / fleet / ("0" * 32)
        folder.mkdir(parents=True)
        (folder / "set.json").write_bytes(b"{}")
    assert [each.path.parent.name for each in leftover.find(store, later(25))] == ["withdrawn"]
    (held,) = leases.claim_any(store, ["fleet:withdrawn"], "ann", later(0), timedelta(hours=48), limit=1)
    assert leftover.find(store, later(25)) == []
    leases.release(store, [held])
    assert len(leftover.find(store, later(25))) == 1


def test_the_loop_clears_away_before_it_begins(store: Store) -> None:
    (draft := store.blobs.root / f".{'a' * 32}").write_bytes(b"begun")
    (other := store.blobs.root / ".keep").write_bytes(b"a person's")
    for path in (draft, other):
        os.utime(path, (later(-48).timestamp(),) * 2)
    ended = Event()
    ended.set()
    with House(store, workers=1) as house:
        run(house, ManualClock(NOW), ended)
    assert not draft.exists() and other.exists()
