"""A notebook as a step: it is executed from its first cell to its last, and is its own report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from argosy.pipelines.notebook import kernel
from argosy.pipelines.notebook.preview import preview
from argosy.spec import duration
from argosy.spec.report import Report
from argosy.spec.scratch import scratch
from argosy.spec.step import step


@step(name="notebook")
def notebook(
    path: Path, parameters: dict[str, Any] | None = None, timeout: str = "1h", after: list[Any] | None = None
) -> tuple[Annotated[Report, "report"], Annotated[Path, "executed"]]:
    """Execute a notebook with plain `parameters`, set after the cell that is tagged so, within `timeout`.

    Gives a report of what its cells gave, and the executed file. It is run again where its content or its parameters
    changed, and waits for what is in `after`. Needs the extra `notebook`. Raises FailedNotebook for a cell that fails.
    """
    seconds = duration.parse(timeout, "notebook.timeout").total_seconds()
    executed = kernel.execute(path, parameters, seconds)
    kept = scratch() / path.name
    kept.write_bytes(executed)
    return preview(executed), kept
