"""Applying a project: its bundle and its declarations become facts; what is no longer declared is withdrawn."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection

from argosy.controller import bundle as bundling
from argosy.controller import owner, parameter
from argosy.controller.project import imported, load
from argosy.controller.wanted import Wanted, wanted
from argosy.data import source
from argosy.errors import DeclarationError, UnknownError
from argosy.spec import code, document
from argosy.spec.dataset import Dataset
from argosy.spec.document import Declaration
from argosy.spec.feature import ViewReference
from argosy.spec.fleet import Fleet
from argosy.spec.function import resolve
from argosy.spec.inventory import Inventory
from argosy.spec.pipeline import Pipeline
from argosy.spec.project import Project
from argosy.spec.resource import Resources
from argosy.spec.tree import is_installed
from argosy.store import applications, bundles, declarations, events
from argosy.store.store import Store

# What a fleet's models are made of; a change of anything else needs no training.
TRAINING = (
    "name",
    "spine",
    "label",
    "features",
    "candidates",
    "by",
    "search",
    "split",
    "pooled",
    "lead",
    "history",
    "minimum_rows",
)


class Draft(msgspec.Struct, frozen=True):
    """A declaration as it would be recorded: its JSON, the digests of the code that it reaches, what that imports.

    `files` are those that its code names, by their path from the project's directory.
    """

    kind: str
    name: str
    fingerprint: str
    body: dict[str, Any]
    code: dict[str, str]
    packages: tuple[str, ...]
    training: str = ""
    files: tuple[str, ...] = ()


class Difference(msgspec.Struct, frozen=True):
    """What applying would change about one declaration: `verb` is add, change or remove."""

    kind: str
    name: str
    verb: str
    changes: tuple[str, ...] = ()


class Applied(msgspec.Struct, frozen=True):
    """What was recorded: the bundle's digest and the differences, none of them when all was known.

    `message` says it in words, and nothing where nothing was recorded. `files` are those of the bundle that the
    project's last one did not have.
    """

    project: str
    bundle: str
    differences: tuple[Difference, ...]
    message: str = ""
    files: tuple[str, ...] = ()


def prepare(module: Path) -> tuple[list[Draft], bundling.Archive]:
    """What a project's module declares, and its code as it is now: both of the very same files."""
    project, _ = load(module)
    inventory = Inventory()
    drafts = draft(project, Resources(inventory))
    named = {file for each in drafts for file in each.files}
    return drafts, bundling.make(module, named, imported(module.parent), inventory)


def draft(project: Project, resources: Resources | None = None) -> list[Draft]:
    """Every declaration of an imported project, with its fingerprint over fields and code.

    Raises DeclarationError for a parameter that a candidate's estimator does not take, for a written secret, and for
    a function of which a change would not be seen.
    """
    resources = resources or Resources()
    for dataset in project.datasets.values():
        source.check(dataset)
    for fleet in project.fleets.values():
        parameter.check(fleet)
    for pipeline in project.pipelines.values():
        pipeline.check()
    drafts = []
    for each in project.declarations():
        keeps = not isinstance(each, Dataset)  # what a source reads is data, and may be another file every day
        prints = {name: _print(name, keeps, resources) for name in project.functions(each)}
        reached = {name: print.digest for name, print in prints.items() if print.parts}  # a library has none of its own
        print = document.fingerprint(each, reached)
        body, training = msgspec.to_builtins(each), _training(project, each, reached)
        packages = tuple(sorted({package for reach in prints.values() for package in reach.packages}))
        files = tuple(sorted({file for reach in prints.values() for file in reach.files}))
        drafts.append(Draft(document.kind(each), each.name, print, body, reached, packages, training, files))
    return drafts


def _print(name: str, files: bool, resources: Resources) -> code.CodePrint:
    found = code.fingerprint(resolve(name), files=files, resources=resources)
    file = getattr(sys.modules.get(name.partition(":")[0]), "__file__", None)
    if not found.parts and file and not is_installed(Path(file).resolve()):
        raise DeclarationError(
            f"{name} is a function of the project, but {file} shows no source of it: a change would not be seen",
            next="declare it in a module of Python source, which is imported under its own name",
        )
    return found


def differences(conn: Connection, drafts: list[Draft], module: Path, taken: str | None = None) -> list[Difference]:
    """What recording the drafts of a project's module would change.

    Declarations of other projects are left alone, and one that is the same in two belongs to who was first. Raises
    ConflictError where another project declares a name otherwise, unless it is the one named by `taken`: what both
    declare then passes to this one; and where a module of the same name in another place would lose declarations.
    """
    project = module.stem
    known = {(row.kind, row.name): row for row in declarations.current(conn)}
    found = []
    for each in drafts:
        before = known.get((each.kind, each.name))
        if before is None:
            found.append(Difference(each.kind, each.name, "add", tuple(_trusted(each))))
        elif _differs(before, each) or (owner.owner(before) == taken and taken != project):
            found.append(Difference(each.kind, each.name, "change", tuple(_changes(before.body, each, project))))
    wanted = {(each.kind, each.name) for each in drafts}
    for (kind, name), row in known.items():
        if (kind, name) not in wanted and owner.owner(row) == project:
            found.append(Difference(kind, name, "remove"))
    by_verb = {verb: {(d.kind, d.name) for d in found if d.verb == verb} for verb in ("change", "remove")}
    owner.check(conn, known, module, taken, changed=by_verb["change"], removed=by_verb["remove"])
    last = owner.applied(conn, project)
    lost = [(each.kind, each.name) for each in found if each.verb != "add"]
    if lost and last is not None and taken != project:
        owner.check_place(Path(last.body["root"]) / module.name, module, lost)
    return found


def _trusted(draft: Draft) -> Iterator[str]:
    """What a fleet lets run: those of its candidates that may be kept as pickles."""
    for place, each in enumerate(draft.body.get("candidates", ())):
        if each.get("trusted"):
            yield f"candidates[{place}].trusted: a model of it may be a pickle, which runs its code where it answers"


def _differs(before: declarations.Declaration, after: Draft) -> bool:
    return before.fingerprint != after.fingerprint or before.body.get("training", "") != after.training


def foreseen(conn: Connection, drafts: list[Draft], project: str) -> dict[tuple[str, str], Wanted]:
    """The declarations that would be in force after recording the drafts, by (kind, name).

    One that another project declares alike stays that project's.
    """
    before = wanted(conn)
    others = {key: each for key, each in before.items() if each.project != project}
    rows = {(row.kind, row.name): row for row in declarations.current(conn)}
    alike = {key for each in drafts if (key := (each.kind, each.name)) in others and not _differs(rows[key], each)}
    return others | {
        (each.kind, each.name): Wanted(
            document.decode(each.body), None, project, each.code, each.fingerprint,
            _revision(next(iter(declarations.history(conn, each.kind, each.name, limit=1)), None), each), each.packages,
        )
        for each in drafts
        if (each.kind, each.name) not in alike
    }  # fmt: skip


def apply(store: Store, module: Path, now: datetime, actor: str, taken: str | None = None) -> Applied:
    """Record a project's bundle and declarations in one transaction. Doing it again changes nothing.

    But the same code in another commit, or in one that has come to hold it, is recorded as applied once more.

    `taken` is a project whose declarations this one takes over, where it declares them too. Raises ConflictError where
    another one declares a name otherwise, or reads what is no longer declared, and where one of the same name in
    another place would lose declarations.
    """
    drafts, archive = prepare(module)
    facts = bundling.describe(archive, now, actor)
    made = bundling.application(archive, module.parent, now, actor)
    store.blobs.put(archive.data)
    with store.write() as tx:
        found, files, message = differences(tx, drafts, module, taken), entering(tx, archive), ""
        if found or _anew(tx, made, module.parent):
            message = _record(tx, drafts, found, facts, made, module.parent)
    return Applied(archive.project, archive.digest, tuple(found), message, files)


def entering(conn: Connection, archive: bundling.Archive) -> tuple[str, ...]:
    """The files of an archive that the last bundle of its project did not have; those that are no modules first."""
    last = applications.latest(conn, archive.project)
    before = bundles.get(conn, last.bundle) if last is not None else None
    new = archive.modules.keys() - (before.modules if before is not None else {})
    return tuple(sorted(new, key=lambda name: (name.endswith(".py"), name)))


def roots(conn: Connection, projects: Iterable[str]) -> dict[str, Path]:
    """The directories that projects were applied from, where relative source paths start; one query.

    One that was never applied has none.
    """
    subjects = {f"project:{name}": name for name in projects}
    return {subjects[key]: Path(last.body["root"]) for key, last in events.latest(conn, "applied", subjects).items()}


def root(conn: Connection, project: str) -> Path:
    """As `roots`, of one project. Raises UnknownError where it was never applied."""
    found = roots(conn, [project])
    if project not in found:
        raise UnknownError(f"project {project!r} was never applied", next="argosy apply project.py")
    return found[project]


def _anew(conn: Connection, made: applications.NewApplication, directory: Path) -> bool:
    """Whether a project's code, its commit or its place is another than when it was last applied."""
    last, before = owner.applied(conn, made.project), applications.latest(conn, made.project)
    if last is None or before is None:
        return True
    then = (before.bundle, before.git_commit, before.dirty, last.body["root"])
    return then != (made.bundle, made.git_commit, made.dirty, str(directory))


def _record(
    tx: Connection, drafts: list[Draft], found: list[Difference], facts: bundles.Bundle,
    made: applications.NewApplication, directory: Path,
) -> str:  # fmt: skip
    now, actor, last = made.at, made.actor, applications.latest(tx, made.project)
    bundles.add(tx, facts)
    applications.add(tx, [made])
    changed = {(each.kind, each.name) for each in found}
    rows = [_row(tx, each, facts, now, actor) for each in drafts if (each.kind, each.name) in changed]
    for each in found:
        if each.verb == "remove":
            before = declarations.history(tx, each.kind, each.name, limit=1)[0]
            rows.append(
                declarations.NewDeclaration(
                    kind=each.kind,
                    name=each.name,
                    fingerprint=before.fingerprint,
                    body=before.body,
                    at=now,
                    actor=actor,
                    bundle=facts.digest,
                    reason="no longer declared",
                    removed=True,
                )
            )
    declarations.add(tx, rows)
    summary = ", ".join(f"{each.verb} {each.kind} {each.name}" for each in found) or _code(last, made)
    body = {"root": str(directory), "bundle": facts.digest}
    event = events.NewEvent(
        at=now,
        kind="applied",
        subject=f"project:{facts.project}",
        actor=actor,
        message=f"applied: {summary}",
        body=body,
    )
    events.add(tx, [event])
    return summary


def _code(last: applications.Application | None, made: applications.NewApplication) -> str:
    """What applying records where no declaration differs."""
    if last is None or last.bundle != made.bundle:
        return "code only"
    return f"the same code, now in {made.commit}" if made.commit else "the same code, in another place"


def _row(tx: Connection, each: Draft, facts: bundles.Bundle, now: datetime, actor: str) -> declarations.NewDeclaration:
    before = declarations.history(tx, each.kind, each.name, limit=1)
    body = {**each.body, "code": each.code, "packages": each.packages, "project": facts.project}
    if each.kind == "fleet":
        body |= {"training": each.training, "revision": _revision(before[0] if before else None, each)}
    if each.kind == "pipeline":
        body |= {"since": _since(before[0] if before else None, each, now)}
    return declarations.NewDeclaration(
        kind=each.kind,
        name=each.name,
        fingerprint=each.fingerprint,
        body=body,
        at=now,
        actor=actor,
        bundle=facts.digest,
        reason=("; ".join(_changes(before[0].body, each, facts.project)) or "declared again") if before else "declared",
    )


def _revision(before: declarations.Declaration | None, after: Draft) -> int:
    """How often what a fleet's training depends on was declared anew; 0 for what is no fleet."""
    if after.kind != "fleet":
        return 0
    last = before.body if before else {}
    return int(last.get("revision", 0)) + (last.get("training") != after.training)


def _since(before: declarations.Declaration | None, after: Draft, now: datetime) -> str:
    """Since when a pipeline is to run by itself as it does: other code alone must not make it miss a time."""
    if before is not None and not before.removed and "since" in before.body:
        old, new = document.recorded(before.body), document.decode(after.body)
        if isinstance(old, Pipeline) and isinstance(new, Pipeline) and (old.schedule, old.on) == (new.schedule, new.on):
            return str(before.body["since"])
    return now.isoformat()


def _changes(before: Mapping[str, Any], after: Draft, project: str) -> list[str]:
    moved = [f"project: {before['project']} -> {project}"] if before.get("project", project) != project else []
    lines = [str(change) for change in document.diff(document.recorded(before), document.decode(after.body))]
    old = before.get("code", {})
    lines += [f"code of {name}: changed" for name, print in after.code.items() if old.get(name) != print]
    if not lines and before.get("training", "") != after.training:
        lines.append("a view or dataset that it is trained on: changed")
    return [*moved, *lines]


def _training(project: Project, given: Declaration, reached: dict[str, str]) -> str:
    if not isinstance(given, Fleet):
        return ""
    body = msgspec.to_builtins(given)
    relevant = {name: body[name] for name in TRAINING if name in body}
    views = [project.views[f.name] for f in given.features if isinstance(f, ViewReference)]
    bodies = [msgspec.structs.replace(view, description="") for view in views]
    tables = [project.datasets[name] for name in (given.spine, *(view.dataset for view in views))]
    times = [(table.name, table.time, table.known, table.key) for table in tables]
    return hashlib.sha256(msgspec.json.encode([relevant, bodies, times, reached], order="sorted")).hexdigest()
