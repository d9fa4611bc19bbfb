"""Owners: a name is declared by one project at a time, and what others read is not withdrawn."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from sqlalchemy import Connection

from argosy.controller.project import found
from argosy.errors import ConflictError
from argosy.spec.dataset import Dataset
from argosy.spec.document import Declaration, recorded
from argosy.spec.feature import FeatureView, ViewReference
from argosy.spec.pipeline import Pipeline
from argosy.spec.trigger import After, NewVersion
from argosy.store import declarations, events

Name = tuple[str, str]
"""Kind and name of a declaration."""
Known = Mapping[Name, declarations.Declaration]


def owner(declaration: declarations.Declaration) -> str:
    """The project whose declaration is in force."""
    return str(declaration.body.get("project", ""))


def check(
    conn: Connection, known: Known, module: Path, taken: str | None, *, changed: Collection[Name],
    removed: Collection[Name],
) -> None:  # fmt: skip
    """Raise ConflictError where a module's project would change what another one declares, or withdraw what one reads.

    What the project `taken` declares may be changed: it passes to this one.
    """
    project = module.stem
    for name in changed:
        if name in known and owner(known[name]) not in (project, taken):
            raise _belongs(conn, name, owner(known[name]), module)
    for each in known.values():
        if owner(each) != project:
            for name in reads(recorded(each.body)):
                if name in removed:
                    raise _read(conn, name, each, project)


def check_place(before: Path, module: Path, lost: Sequence[Name]) -> None:
    """Raise ConflictError where the module that a project was applied from is still there, and this is another file.

    Two projects may by accident bear one name; `lost` are the declarations that the other one would find changed or
    gone. A project that was moved, or is applied from another machine, is itself. A place that this user may not look
    at counts as still there.
    """
    try:
        if before.samefile(module):
            return
        found = "is still there"
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        found = f"cannot be looked at ({error.strerror})"
    more = f" and {len(lost) - 1} more" if len(lost) > 1 else ""
    raise ConflictError(
        f"project {module.stem!r} was applied from {before}, which {found}; {module} is another one of that "
        f"name, and would change or withdraw {_shown(lost[0])}{more}",
        next=f"rename one of the two, or say that this one takes its place: --take-from {module.stem}",
    )


def reads(declaration: Declaration) -> Sequence[Name]:
    """The declarations that one refers to."""
    if isinstance(declaration, Dataset):
        return [("dataset", name) for name in declaration.references]
    if isinstance(declaration, FeatureView):
        return [("dataset", declaration.dataset)]
    if isinstance(declaration, Pipeline):
        datasets = [each.default or each.name for each in declaration.parameters if each.kind == "dataset"]
        datasets += [each.dataset for each in declaration.on if isinstance(each, NewVersion)]
        pipelines = [("pipeline", each.pipeline) for each in declaration.on if isinstance(each, After)]
        return [*(("dataset", name) for name in datasets), *pipelines]
    views = [("feature_view", each.name) for each in declaration.features if isinstance(each, ViewReference)]
    return [("dataset", declaration.spine), *views]


def applied(conn: Connection, project: str) -> events.Event | None:
    """The fact that a project was applied, the latest."""
    return next(iter(events.of_kind(conn, f"project:{project}", "applied", limit=1)), None)


def _belongs(conn: Connection, name: Name, other: str, module: Path) -> ConflictError:
    last = applied(conn, other)
    place = f", applied from {last.body['root']}" if last is not None else ""
    return ConflictError(
        f"{_shown(name)} is declared by project {other!r}{place}; project {module.stem!r} declares it otherwise",
        next=f"give it another name, or take it over: argosy apply {module.name} --take-from {other}",
    )


def _read(conn: Connection, name: Name, reader: declarations.Declaration, project: str) -> ConflictError:
    other = owner(reader)
    last = applied(conn, other)
    module = found(Path(last.body["root"]) if last is not None else Path(), other).name
    return ConflictError(
        f"{_shown(name)} is no longer declared by project {project!r}, but {_shown((reader.kind, reader.name))} of "
        f"project {other!r} reads it",
        next=f"keep it, or let that project have it first: argosy apply {module} --take-from {project}",
    )


def _shown(name: Name) -> str:
    return f"{name[0].replace('_', ' ')} {name[1]}"
