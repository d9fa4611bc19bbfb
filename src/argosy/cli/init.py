"""`argosy init`: a small project that runs, of a fleet or of a pipeline, or the steps of a notebook."""

from __future__ import annotations

import shlex
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from argosy.cli import show
from argosy.cli.template import A_DAY, DAYS, DEPOTS, NAME, PIPELINE, PROJECT
from argosy.controller.clock import SystemClock
from argosy.errors import ConflictError, UsageError

if TYPE_CHECKING:
    import polars as pl

STEPS = "pipeline.py"
MODULE, DATA = "project.py", Path("data") / "orders" / "sample.parquet"


def init(
    directory: Path = Path("."), /, *, sample: Annotated[bool, Parameter(negative="")] = False,
    pipeline: Annotated[bool, Parameter(negative="")] = False, from_: Path | None = None,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> int:  # fmt: skip
    """Write project.py: a dataset, and a fleet of one model per depot. Nothing that is there is overwritten.

    With --pipeline it is pipeline.py, of three steps that need nothing. With --from it is a module of the steps that
    cells of a notebook are tagged as. The notebook is read, and not run.

    For example:
      argosy init
      argosy init late-orders --sample        (with made-up orders, so that it runs at once)
      argosy init --pipeline
      argosy init --from report.ipynb         (writes report.py)

    Parameters
    ----------
    directory
        Where to write; made if it is missing.
    sample
        Write sample data too.
    pipeline
        Write a pipeline instead of a fleet.
    from_
        A Jupyter notebook with cells tagged imports, parameters, step:NAME or skip.
    json
        Print what was written as JSON.
    """
    asked = [name for name, given in (("sample", sample), ("pipeline", pipeline), ("from", from_)) if given]
    if len(asked) > 1:
        one = f"argosy init --{asked[-1]}" + (" NOTEBOOK" if from_ is not None else "")
        raise UsageError(f"--{asked[0]} and --{asked[1]} contradict one another", next=one)
    if from_ is not None:
        return _convert(from_, directory, json=json)
    if pipeline:
        return _pipeline(directory, json=json)
    wanted = [directory / MODULE] + ([directory / DATA] if sample else [])
    _write(wanted, PROJECT)
    if sample:
        (directory / DATA).parent.mkdir(parents=True, exist_ok=True)
        orders(SystemClock().now()).write_parquet(directory / DATA)
    if json:
        show.emit({"written": [str(path) for path in wanted]})
        return 0
    show.say(*(f"wrote {path}" for path in wanted))
    place = "" if directory == Path(".") else f"cd {directory} && "
    show.say(f"  next: {place}argosy apply, then argosy up" + ("" if sample else f"; put orders into {DATA.parent}"))
    return 0


def _pipeline(directory: Path, *, json: bool) -> int:
    """Write a pipeline that runs as it is."""
    path = directory / STEPS
    _write([path], PIPELINE)
    if json:
        show.emit({"written": [str(path)], "pipeline": NAME})
        return 0
    place = "" if directory == Path(".") else f"cd {directory} && "
    show.say(f"wrote {path}", f"  next: {place}argosy run {NAME}")
    return 0


def _convert(notebook: Path, directory: Path, *, json: bool) -> int:
    """Write a notebook's steps as a module."""
    from argosy.pipelines.notebook.cell import read
    from argosy.pipelines.notebook.module import module

    beside = {path.stem for path in directory.glob("*.py")} | {path.parent.name for path in directory.glob("*/*.py")}
    made = module(read(notebook), beside)
    path = directory / f"{made.name}.py"
    _write([path], made.text)
    if json:
        show.emit({"written": [str(path)], "pipeline": made.pipeline, "left_out": list(made.notes)})
        return 0
    where = "" if directory == Path(".") else f" --project {shlex.quote(str(path))}"
    show.say(*made.notes, f"wrote {path}", f"  next: read it, then argosy run {made.pipeline}{where}")
    return 0


def _write(wanted: list[Path], text: str) -> None:
    """Write the first of the files that are wanted, unless one of them is there."""
    there = [path for path in wanted if path.exists()]
    if there:
        raise ConflictError(f"{there[0]} is there already", next="name another directory: argosy init DIRECTORY")
    wanted[0].parent.mkdir(parents=True, exist_ok=True)
    with wanted[0].open("x", encoding="utf-8") as file:
        file.write(text)


def orders(now: datetime) -> pl.DataFrame:
    """Made-up orders of the last `DAYS` days: long ways, many parcels, evenings and one depot make them late."""
    import numpy as np
    import polars as pl

    random = np.random.default_rng(7)
    count = len(DEPOTS) * DAYS * A_DAY
    depot = np.arange(count) % len(DEPOTS)
    kilometres, parcels = random.gamma(3.0, 12.0, count).round(1), random.poisson(6.0, count)
    hours = random.uniform(0.0, DAYS * 24.0, count)
    left = [now - timedelta(hours=float(back)) for back in hours]
    evening = np.array([at.hour >= 16 for at in left])
    score = -3.2 + 0.035 * kilometres + 0.1 * parcels + 1.1 * evening + 0.5 * depot * evening
    late = random.random(count) < 1.0 / (1.0 + np.exp(-score))
    took = timedelta(hours=2)
    rows = pl.DataFrame({
        "order_id": [f"order-{number:05d}" for number in range(count)], "left_at": left,
        "depot": [DEPOTS[place] for place in depot], "kilometres": kilometres, "parcels": parcels, "late": late,
        "recorded_at": [at + took for at in left],
    })  # fmt: skip
    return rows.filter(pl.col("recorded_at") <= now).sort("left_at")
