"""What a pipeline's failure handler is told."""

from __future__ import annotations

import msgspec


class Failed(msgspec.Struct, frozen=True):
    """A run that failed: its pipeline and id, how often it had ended before, and why each of its steps failed."""

    pipeline: str
    run: int
    before: int
    reasons: dict[str, str]
