"""`argosy import`: what another MLflow keeps is brought into the home."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from argosy.cli import home, show
from argosy.cli.address import exists, find
from argosy.cli.option import Common
from argosy.cli.progress import Progress
from argosy.protocols.mlflow.importing import job
from argosy.protocols.mlflow.importing.client import Client
from argosy.protocols.mlflow.importing.disk import Disk
from argosy.protocols.mlflow.importing.folder import Folder
from argosy.protocols.mlflow.importing.report import KINDS, Report
from argosy.protocols.mlflow.importing.server import Server
from argosy.protocols.mlflow.importing.source import Source
from argosy.store import Store

_SHOWN = 20


def imports(
    system: Literal["mlflow"], /, *, from_: str, experiments: list[str] | None = None, artifacts: bool = True,
    artifact_root: list[Path] | None = None, dry_run: Annotated[bool, Parameter(negative="")] = False,
    common: Common | None = None,
) -> int:  # fmt: skip
    """Bring a server of MLflow, or a folder mlruns, into the home: experiments, runs, artifacts, registered models.

    Runs keep their ids, experiments get new ones; an experiment of a name that is here gets the runs. Nothing that is
    here is overwritten: what differs is told, and so is what failed, and the exit code is 1 then. The same import again
    brings what is new or failed, and goes on after one that was interrupted. A server is asked with
    MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD.

    For example:
      argosy import mlflow --from http://tracking.internal:5000 --dry-run
      argosy import mlflow --from http://tracking.internal:5000
      argosy import mlflow --from mlruns --experiments churn --experiments "late flights"
      argosy import mlflow --from https://tracking.internal --artifact-root /mnt/mlartifacts

    Parameters
    ----------
    system
        What is imported from: mlflow.
    from_
        The address of the server, or the folder.
    experiments
        Bring the experiment of this name alone, and no registered models; may be given several times.
    artifacts
        Leave the artifacts out; a later import brings them.
    artifact_root
        A directory of this machine in which artifacts of the source may lie; others on its disk are not read.
    dry_run
        Count what is there, and write nothing.
    """
    options = common or Common()
    source = _source(from_, artifact_root or [])
    progress = Progress()
    report = Report(lambda report: progress.tell(lambda: _progress(source.name, report)))
    with _store(options.home, dry=dry_run) as store:
        now = home.clock(store).now
        job.bring(
            store, source, home.actor(), now, report, only=experiments or [], artifacts=artifacts, dry=dry_run
        )  # fmt: skip
    progress.end()
    if options.json:
        show.emit(report.object())
    else:
        _tell(report, dry=dry_run, artifacts=artifacts)
    return 0 if report.whole else 1


def _source(given: str, roots: list[Path]) -> Source:
    if "://" in given and not given.startswith("file:"):
        names = ("TOKEN", "USERNAME", "PASSWORD")
        token, user, password = (os.environ.get(f"MLFLOW_TRACKING_{name}", "") for name in names)
        return Server(Client(given, token=token, user=user, password=password), Disk(roots))
    folder = Path(given.removeprefix("file://").removeprefix("file:")).expanduser().resolve()
    return Folder(folder, Disk([folder, *roots]))


@contextmanager
def _store(given: str | None, *, dry: bool) -> Iterator[Store]:
    """The store of the home; one that is only counted for, and is not there, is empty."""
    if not dry or exists(find(given)):
        with home.open(given, create=not dry) as store:
            yield store
        return
    with tempfile.TemporaryDirectory(prefix="argosy-") as scratch, Store.open(scratch) as store:
        yield store


def _tell(report: Report, *, dry: bool, artifacts: bool) -> None:
    rows = [
        [kind, *(f"{count:,}" for count in (each.found, each.brought, each.there, each.failed))]
        for kind in KINDS
        if (each := report.tallies[kind]).found
    ]
    show.table(["", ">found", ">brought", ">there already", ">failed"], rows)
    made = [each for each in report.experiments if each.made]
    if made:
        show.put("")
        show.table(
            ["experiment", ">id there", ">id here"], [[each.name, each.there, each.here] for each in made[:_SHOWN]]
        )
        _more(len(made))
    for place, count in report.kept.most_common(_SHOWN):
        show.say(f"artifacts of {count:,} runs and models stay at {place}: clients read them there")
    for failure in report.failures[:_SHOWN]:
        show.say(f"failed: {failure.kind}: {failure.name}: {failure.reason}")
    _more(len(report.failures))
    if dry:
        show.say("nothing was written; metric points and artifacts were not counted")
    elif not artifacts:
        show.say("artifacts were left out; the same import without --no-artifacts brings them")


def _more(count: int) -> None:
    if count > _SHOWN:
        show.say(f"… {count - _SHOWN:,} more (--json has them)")


def _progress(name: str, report: Report) -> str:
    """What came so far."""
    done = ", ".join(
        f"{each.brought + each.there + each.failed:,} {kind}" for kind, each in report.tallies.items() if each.found
    )
    return f"{name}: {done}, {report.bytes / 1e6:,.0f} MB"
