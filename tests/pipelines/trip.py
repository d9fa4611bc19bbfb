"""A value on its way: saved, and loaded again as another process would."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from argosy.pipelines.format import Saved, Source, named, save
from argosy.store import Blobs, Slot


class Trip:
    """A blob store of its own, and what goes through it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.blobs = Blobs(root / "blobs")

    def save(self, value: object) -> tuple[str, Saved]:
        """The name of the value's format, and what was written."""
        format, saved = save(value, self.blobs)
        return format.name, saved

    def source(self, saved: Saved, *, inline: bool = True) -> Source:
        """What a later step reads: bytes that are few lie beside the facts if `inline`, else in a pack."""
        if saved.data is None or inline:
            slot = Slot(saved.digest, None, 0, saved.bytes)
            return Source(slot, self.blobs, self.root / "scratch", saved.data)
        _, slot = self.blobs.pack([b"before", saved.data])
        return Source(slot, self.blobs, self.root / "scratch")

    def load(self, name: str, saved: Saved, wanted: Any = Any) -> Any:
        """The value that comes back."""
        return named(name).load(self.source(saved), wanted)

    def again(self, value: object, wanted: Any = Any) -> Any:
        """The value after a round trip."""
        return self.load(*self.save(value), wanted)
