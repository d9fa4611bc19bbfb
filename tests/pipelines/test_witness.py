"""What is said of calls while they are at work."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

import argosy as ag
from argosy.engine.local import Local
from argosy.pipelines import witness
from argosy.pipelines.drive import Drive
from argosy.pipelines.slots import Slots
from argosy.pipelines.witness import Witness
from argosy.store import Store, leases, underway
from argosy.store.underway import Underway
from tests.pipelines.runs import Place, now


@ag.step
def waits(path: str) -> int:
    sys.stdout.write("it waits\n")
    while not Path(path).exists():
        time.sleep(0.01)
    return 1


@ag.pipeline
def waiting(path: str) -> Any:
    return waits.map([path])


def test_what_is_at_work_and_what_it_wrote_is_said_once_until_it_ends(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(witness, "EVERY", 0.05)
    gate, seen, writes = tmp_path / "gate", list[Underway](), list[int]()
    with Store.open(home) as store, Local(1) as engine, engine.session(logs=True) as session:
        runner = Place(store, engine).begin(waiting, path=str(gate))
        lease = leases.claim(store, runner.run.lease, "ann", now(), timedelta(minutes=5))
        assert lease is not None

        @contextmanager
        def write() -> Iterator[Connection]:
            writes.append(len(seen))
            with store.write() as tx:
                yield tx

        looking, deadline = Witness(runner, lease.token, write, now), time.monotonic() + 120

        def tick(session: Any) -> None:
            looking.look(session)
            with store.read() as conn:
                seen.extend(each for each in underway.of_run(conn, runner.run.id, now()) if each.tail)
            if len(seen) > 10 or time.monotonic() > deadline:
                gate.touch()

        list(Drive(session, Slots(store, "ann", now), store.blobs, tick=tick).run([runner]))
        looking.close()
        with store.read() as conn:
            assert underway.of_run(conn, runner.run.id, now()) == []
    (said,) = {(each.node, each.element, each.started_at, each.tail, each.written) for each in seen}
    assert (*said[:2], *said[3:]) == ("waits", 0, b"it waits\n", 9)
    assert [at for at in writes if at > 0] == [len(seen)], "nothing new is not said again"
