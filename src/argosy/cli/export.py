"""`argosy export`: a pipeline for another scheduler."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from argosy.cli import show
from argosy.cli.run import parse
from argosy.cli.target import whole
from argosy.controller.bundle import locate
from argosy.controller.project import load
from argosy.errors import UnknownError
from argosy.pipelines.export.order import Order
from argosy.pipelines.export.target import TARGETS, Name
from argosy.pipelines.export.target import export as written


def export(
    pipeline: str, /, *, to: Name, project: str | None = None, image: str | None = None, shards: int = 1,
    set: Annotated[tuple[str, ...], Parameter(negative="")] = (),
    unscheduled: Annotated[bool, Parameter(negative="")] = False, output: Path | None = None,
    force: Annotated[bool, Parameter(negative="")] = False,
) -> int:  # fmt: skip
    """Write a file that has another scheduler start a pipeline.

    All that it does is to start argosy run, so a pipeline means the same wherever it is started. The file holds no
    secret: it names where the scheduler keeps the address of the home. What a scheduler cannot do is told, and stands
    in the file. This imports the project's module, so its code runs.

    For example:
      argosy export nightly --to airflow --shards 4 --output dags/nightly.py
      argosy export nightly --to kubernetes --image flights:1 | kubectl apply -f -
      argosy export nightly --to github-actions --unscheduled > nightly.yaml
      argosy export nightly --to kubeflow --image flights:1 --set depth=8

    Parameters
    ----------
    pipeline
        The pipeline.
    to
        The scheduler.
    project
        The module, the directory of one, or a package: here, and from the same place on the machines that run it.
        Without it, they take the code that was applied to the home.
    image
        The image that has argosy and the project, where the scheduler runs images.
    shards
        Among how many machines the work is shared; one run after them does what they left, and gives the result.
    set
        A parameter, as NAME=VALUE; again for each. Where people may choose it when they start a run, its default.
    unscheduled
        Leave out the schedule.
    output
        The file to write. Default: stdout.
    force
        Replace the file if it is there.
    """
    given = parse(set)
    module = locate(project or ".", pipeline)
    declared, _ = load(module)
    if pipeline not in declared.pipelines:
        known = ", ".join(sorted(declared.pipelines)) or "none"
        raise UnknownError(f"project {module.stem} declares no pipeline {pipeline!r}", next=f"its pipelines: {known}")
    order = Order(
        pipeline=declared.pipelines[pipeline], given=given, shards=shards, image=image, project=project,
        scheduled=not unscheduled,
    )  # fmt: skip
    made = written(order, to)
    if output is None:
        sys.stdout.write(made.text)
    else:
        with whole(output, TARGETS[to].endings, replace=force) as path:
            path.write_text(made.text, encoding="utf-8")
    show.say(*(f"not in the file: {each}" for each in made.notes))
    if output is not None:
        show.say(f"wrote {output}")
    return 0
