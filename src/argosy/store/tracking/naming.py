"""How Argosy's own work is called among the runs: by ids, as no run of a program is, whose name is by chance."""

from __future__ import annotations

import hashlib

EXECUTION, PIPELINE, TRAINING = "e", "a", "f"
_DIGITS = 31


def of_execution(id: int) -> str:
    """The run that an execution is."""
    return f"{EXECUTION}{id:0{_DIGITS}x}"


def of_pipeline(id: int) -> str:
    """The run that a run of a pipeline is."""
    return f"{PIPELINE}{id:0{_DIGITS}x}"


def of_training(fleet: str, started: int) -> str:
    """The run that a training of a fleet is, which began at so many microseconds since 1970."""
    return f"{TRAINING}{hashlib.sha256(f'{fleet}/{started}'.encode()).hexdigest()[:16]:0>{_DIGITS}}"


def is_own(run: str) -> bool:
    """Whether a run of this name tells of what Argosy did itself."""
    return run[:1] in (EXECUTION, PIPELINE, TRAINING) and run[1:16] == "0" * 15
