"""How Argosy's own work is called among the runs: by ids, as no run of a program is, whose name is by chance."""

from __future__ import annotations

import hashlib
import re

EXECUTION, PIPELINE, TRAINING = "e", "a", "f"
_DIGITS = 31
_HEX = re.compile("[0-9a-f]{32}")


def of_execution(id: int) -> str:
    """The run that an execution is."""
    return f"{EXECUTION}{id:0{_DIGITS}x}"


def of_pipeline(id: int) -> str:
    """The run that a run of a pipeline is."""
    return f"{PIPELINE}{id:0{_DIGITS}x}"


def of_training(fleet: str, started: int) -> str:
    """The run that a training of a fleet is, which began at so many microseconds since 1970."""
    return f"{TRAINING}{hashlib.sha256(f'{fleet}/{started}'.encode()).hexdigest()[:16]:0>{_DIGITS}}"


def execution(run: str) -> int | None:
    """The id of the execution that a run of this name is; None where it is none."""
    return int(run[1:], 16) if is_own(run) and run[0] == EXECUTION and _HEX.fullmatch(run) else None


def pipeline(run: str) -> int | None:
    """The id of the run of a pipeline that a run of this name is; None where it is none."""
    return int(run[1:], 16) if is_own(run) and run[0] == PIPELINE and _HEX.fullmatch(run) else None


def is_own(run: str) -> bool:
    """Whether a run of this name tells of what Argosy did itself."""
    return run[:1] in (EXECUTION, PIPELINE, TRAINING) and run[1:16] == "0" * 15
