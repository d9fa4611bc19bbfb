"""The tutor: trains fleets for steps of pipelines, each in a child process.

A run has imported the code of its own bundle, a fleet is trained by that of the one that was applied, and an engine
belongs to one thread: so what trains is another process.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self

import msgspec

from argosy.controller.child import Child, Order
from argosy.errors import ArgosyError
from argosy.store import Store

_POLL = 0.1


class Answer(msgspec.Struct, frozen=True):
    """What a child tells of a training: its value, or why there is none."""

    value: dict[str, Any] | None = None
    error: str = ""


class Tutor:
    """Trains a fleet when it is called, from any thread; as a context it ends what is under way.

    `now` is asked for the time, `cause` says who wants it.
    """

    def __init__(self, store: Store, now: Callable[[], datetime], cause: str, actor: str) -> None:
        self._store, self._now, self._cause, self._actor = store, now, cause, actor
        self._over = threading.Event()

    def __call__(self, fleet: str) -> dict[str, Any]:
        """Train a fleet; how many of its members were trained, kept and failed. Raises ArgosyError."""
        with TemporaryDirectory(prefix="argosy-train-") as folder:
            path = Path(folder) / "answer.json"
            options = {
                "home": self._store.home, "blobs": str(self._store.blobs.root), "fleet": fleet, "answer": str(path),
                "cause": self._cause, "actor": self._actor, "at": self._now().isoformat(),
            }  # fmt: skip
            with Child(f"training of {fleet}", Order("argosy.controller.errand:train", options)) as child:
                while child.alive and not self._over.wait(_POLL):
                    pass
                if self._over.is_set():
                    raise ArgosyError(f"the training of {fleet} was ended with its run")
            if not path.exists():
                raise ArgosyError(
                    f"the process that trained {fleet} ended with {child.code}", next=f"argosy why {fleet}"
                )
            answer = msgspec.json.decode(path.read_bytes(), type=Answer)
        if answer.value is None:
            raise ArgosyError(answer.error, next=f"argosy why {fleet}")
        return answer.value

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
