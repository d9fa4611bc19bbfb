"""What a client's run leaves to be done by hand: what is recorded of it, what is missing, and the commands.

What a client says of its code is text of its own, and nothing of it is executed here.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping

import msgspec
from sqlalchemy import Connection

from argosy.store.models import logged
from argosy.store.tracking import experiments, files, inputs, place, texts
from argosy.store.tracking.runs import Run

_TAGS = {
    "code": "mlflow.source.name", "commit": "mlflow.source.git.commit", "repository": "mlflow.source.git.repoURL",
    "entry point": "mlflow.project.entryPoint",
}  # fmt: skip
_LISTS = ("requirements.txt", "python_env.yaml", "conda.yaml")
_MISSING = {
    "code": "the script (tag mlflow.source.name)",
    "commit": "the commit of the code (tag mlflow.source.git.commit)",
    "environment": f"a list of the libraries ({', '.join(_LISTS)} beside a model)",
}


class Manual(msgspec.Struct, frozen=True, kw_only=True):
    """`recorded` are the things that are known, by what they are; `commands` do the run again as far as these reach."""

    run: str
    name: str
    recorded: dict[str, str]
    parameters: dict[str, str]
    datasets: list[str]
    missing: list[str]
    commands: list[str]


def of(conn: Connection, run: Run) -> Manual:
    """What is recorded of a client's run; a constant number of queries."""
    tags = texts.of(conn, texts.TAG, [run.id]).get(run.id, {})
    recorded = {what: tags[tag] for what, tag in _TAGS.items() if tags.get(tag)}
    source = _environment(conn, run)
    if source is not None:
        recorded["environment"] = source[0]
    parameters = texts.of(conn, texts.PARAMETER, [run.id]).get(run.id, {})
    read = [each.dataset for each in inputs.of(conn, [run.id]).get(run.id, ())]
    return Manual(
        run=run.run, name=run.name, recorded=recorded, parameters=parameters,
        datasets=[f"{each.name} ({each.digest})" for each in read],
        missing=[told for what, told in _MISSING.items() if what not in recorded],
        commands=_commands(recorded, parameters, source),
    )  # fmt: skip


def _environment(conn: Connection, run: Run) -> tuple[str, str] | None:
    """The list of libraries beside the run, or beside the model that it logged: its name, and the URI of it."""
    location = experiments.get(conn, run.experiment_id).location
    models = [model for way, model, _ in logged.flows(conn, [run.id]).get(run.id, []) if way == logged.OUT]
    for whose in (run.run, *(f"models/{model}" for model in models[:1])):
        root = place.root(location, whose)
        found = files.below(conn, root) if root is not None else {}
        for name in _LISTS:
            for path in (path for path in found if path.rpartition("/")[2] == name):
                return path.removeprefix(f"{root}/"), f"{place.SCHEME}{path}"
    return None


def _commands(
    recorded: Mapping[str, str], parameters: Mapping[str, str], source: tuple[str, str] | None
) -> list[str]:  # fmt: skip
    made: list[list[str]] = []
    if "repository" in recorded:
        made += [["git", "clone", recorded["repository"], "again"], ["cd", "again"]]
    if "commit" in recorded:
        made.append(["git", "checkout", recorded["commit"]])
    if source is not None:
        made.append(["mlflow", "artifacts", "download", "--artifact-uri", source[1], "--dst-path", "."])
    if "entry point" in recorded:
        given = [part for name, value in parameters.items() for part in ("-P", f"{name}={value}")]
        made.append(["mlflow", "run", ".", "-e", recorded["entry point"], *given])
        return [shlex.join(each) for each in made]
    python = ["python"]
    if source is not None and source[0].rpartition("/")[2] == _LISTS[0]:
        python = ["uv", "run", "--no-project", "--with-requirements", _LISTS[0], "python"]
    if "code" in recorded:
        made.append([*python, recorded["code"]])
    return [shlex.join(each) for each in made]
