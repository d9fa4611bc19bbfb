"""Errands: what a child process of the controller does, one run each. It may take hours, and may be killed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from argosy.controller import running, starting
from argosy.controller.house import House
from argosy.controller.starting import Begun
from argosy.store import Store


def start(*, home: str, blobs: str, pipeline: str, at: str) -> None:
    """Begin the run of a pipeline that is due at a time, and carry it out."""
    with _house(home, blobs) as house:
        _complete(house, starting.begin(house, pipeline, datetime.fromisoformat(at)))


def resume(*, home: str, blobs: str, run: int) -> None:
    """Bring a run that was cut off to its end."""
    with _house(home, blobs) as house:
        _complete(house, starting.take_up(house, run))


@contextmanager
def _house(home: str, blobs: str) -> Iterator[House]:
    with Store.open(home, blobs=Path(blobs), create=False) as store, House(store, environment=os.environ) as house:
        yield house


def _complete(house: House, begun: Begun | None) -> None:
    if begun is not None:
        running.carry_out(house, begun.code, begun.run, begun.setting)
