"""Errands: what a child process of the controller does, one run or training each. It may take hours, and be killed."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from argosy.controller import running, starting, training
from argosy.controller.house import House
from argosy.controller.starting import Begun
from argosy.controller.tutor import Answer, Tutor
from argosy.errors import ArgosyError
from argosy.store import Store

_PATIENCE = 3600.0
"""Seconds that a step which trains a fleet waits while another process is at work on that."""


def start(*, home: str, blobs: str, at: str, pipeline: str) -> None:
    """Begin the run of a pipeline that is due at a time, and carry it out."""
    with _house(home, blobs) as house:
        _complete(house, starting.begin(house, pipeline, datetime.fromisoformat(at)), at)


def resume(*, home: str, blobs: str, at: str, run: int) -> None:
    """Bring a run that was cut off to its end."""
    with _house(home, blobs) as house:
        _complete(house, starting.take_up(house, run), at)


def train(*, home: str, blobs: str, at: str, fleet: str, cause: str, actor: str, answer: str) -> None:
    """Train a fleet, and write what came of it to a file."""
    with _house(home, blobs, actor) as house:
        try:
            found = training.train(house, fleet, (), cause, datetime.fromisoformat(at), patience=_PATIENCE)
            told = Answer(training.tell(house.store, fleet, found))
        except ArgosyError as error:
            told = Answer(error=error.message)
    Path(answer).write_bytes(msgspec.json.encode(told))


@contextmanager
def _house(home: str, blobs: str, actor: str = "controller") -> Iterator[House]:
    with (
        Store.open(home, blobs=Path(blobs), create=False) as store,
        House(store, environment=os.environ, actor=actor) as house,
    ):
        yield house


def _complete(house: House, begun: Begun | None, at: str) -> None:
    if begun is not None:
        with Tutor(house.store, _since(at), f"a step of run {begun.run.id}", house.actor) as train:
            running.carry_out(house, begun.code, begun.run, begun.setting, train=train)


def _since(at: str) -> Callable[[], datetime]:
    """A clock that goes on from a time."""
    began = time.monotonic()
    return lambda: datetime.fromisoformat(at) + timedelta(seconds=time.monotonic() - began)
