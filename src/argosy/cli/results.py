"""`argosy.results`: what a run gave, for a program or a notebook."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from argosy.cli import home as homes
from argosy.controller import result
from argosy.store import Blobs
from argosy.store.artifacts import Artifact


class Results(Mapping[str, Any]):
    """What a run gave, by name. A value is loaded each time that it is asked for."""

    def __init__(self, blobs: Blobs, given: dict[str, result.Written], known: dict[str, Artifact]) -> None:
        self._blobs, self._given, self._known = blobs, given, known

    def __getitem__(self, name: str) -> Any:
        return result.load(self._blobs, self._known, self._given[name], _scratch())

    def __iter__(self) -> Iterator[str]:
        return iter(self._given)

    def __len__(self) -> int:
        return len(self._given)

    def __repr__(self) -> str:
        return f"<results: {', '.join(self._given) or 'none'}>"


def results(run_id: int, home: str | Path | None = None) -> Results:
    """What a run gave: `ag.results(7)["report"]`. Nothing before the run's end.

    Tables come as Polars' frames, models as they were given, files as paths that last as long as the process; what the
    run did not come to is None. A format of the project's own needs the module that registers it imported first, else
    `UnknownError` is raised, as it is for a run that is not there. `home` is found as by the command line.
    """
    with homes.open(None if home is None else str(home)) as store:
        with store.read() as conn:
            given = result.named(conn, run_id)
            known = result.fetch(conn, {"items": list(given.values())})
        return Results(store.blobs, given, known)


@cache
def _scratch() -> Path:
    """Where files lie that were asked for, as long as the process lasts."""
    made = Path(tempfile.mkdtemp(prefix="argosy-"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made
