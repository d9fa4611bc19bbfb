"""A project on disk that is edited and run, each time as a new process would."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from argosy.controller import code as coding
from argosy.controller import running
from argosy.controller.clock import SystemClock
from argosy.controller.house import House
from argosy.pipelines import format
from argosy.pipelines.foresee import foresee
from argosy.pipelines.landing import Ended
from argosy.pipelines.past import Past, last
from argosy.pipelines.piece import Held
from argosy.store import Store, artifacts, calls, runs


class Told(msgspec.Struct, frozen=True):
    """What was foreseen of each node and why, what became of it, what the run gave, and what its functions give.

    A node of which a part was executed counts as executed.
    """

    foreseen: dict[str, str]
    why: dict[str, tuple[str, ...]]
    became: dict[str, str]
    gave: list[Any]
    wanted: list[Any]


class Workshop:
    """The module `project` of a directory, and the home that its pipeline `go` runs in."""

    def __init__(self, root: Path, files: Mapping[str, str]) -> None:
        self.root = root
        self.files = dict(files)
        self.environment: dict[str, str] = {}
        for name in files:
            self.write(name, files[name])

    def copy(self, root: Path) -> Workshop:
        """The same elsewhere, with all that was run here."""
        shutil.copytree(self.root, root)
        return Workshop(root, self.files)

    def write(self, name: str, text: str) -> None:
        path = self.root / "files" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def edit(self, edits: Mapping[str, tuple[str, str]]) -> None:
        """Put one text in place of another that is there once."""
        for name, (old, new) in edits.items():
            text = (self.root / "files" / name).read_text()
            assert text.count(old) == 1, (name, old)
            self.write(name, text.replace(old, new))

    def restore(self) -> None:
        for name, text in self.files.items():
            self.write(name, text)

    def run(self, **given: Any) -> Told:
        """Foresee a run, and run it."""
        with (
            Store.open(self.root / "home") as store,
            House(store, workers=1, environment=self.environment, actor="ann") as house,
        ):
            clock = SystemClock()
            found = coding.of_files(house, self.root / "files" / "project.py", "go", clock.now())
            made = running.setting(house, found, given)
            with store.read() as conn:
                before = last(conn, "go")
                past = Past(conn, before)
            outlooks = foresee(store, made, past, clock.now(), before.id if before else None)
            run = running.begun(house, running.request(house, found, given, "asked for"), made)
            ended: list[Ended] = []
            assert running.carry_out(house, found, run, made, on_ended=ended.append) == runs.SUCCEEDED, [
                each.reason for each in ended
            ]
            with store.read() as conn:
                results = runs.endings(conn, [run.id])[run.id].body["results"]
            wanted: list[Any] = found.pipeline(**found.pipeline.arguments(given))
            return Told(
                {each.node: each.verdict for each in outlooks}, {each.node: each.why for each in outlooks},
                {each.node: each.state for each in sorted(ended, key=lambda each: each.state == calls.EXECUTED)},
                [_value(store, each) for each in results.values()],
                wanted,
            )  # fmt: skip


def _value(store: Store, written: Any) -> Any:
    if isinstance(written, dict):
        return [_value(store, each) for each in written["items"]]
    with store.read() as conn:
        held = Held.recorded(artifacts.get(conn, [written[1]])[written[1]])
    source = format.Source(held.slot, store.blobs, store.blobs.root, held.data)
    return format.named(written[0]).load(source, Any)
