"""The origin of a version or a dataset in lines: rows, files, code, environment, and what was asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from argosy.cli.show import text
from argosy.spec.quantity import plural
from argosy.store.origin import Code, Data, Origin, Requirement

_MOST = 4
_WIDTH = 13


def lines(found: Origin | Data) -> Iterator[str]:
    """One fact a line, the name of each in a column of its own; digests are cut, long lists say how long they are."""
    if isinstance(found, Data):
        yield from _named("rows", [_extent(found)])
        yield from _named("made by", [] if found.execution_id is None else [f"execution {found.execution_id}"])
        yield from _named("asked by", _asked(found.requirement))
        yield from _shared(found.code)
        yield from _named("from", _below(found, set()))
        return
    run = found.execution
    spent = f", {text(run.cpu_s)} CPU-s" if run.cpu_s is not None else ""
    candidate = run.parameters.get("candidate", "a model")
    yield from _named("model", [f"{candidate} as {found.format} {found.artifact[:12]}, made {_at(found.at)}"])
    yield from _named("made by", [f"execution {run.id}: {run.kind}, {run.outcome}{spent}, task {run.key[:12]}"])
    span = f" of {_span(found.low, found.high)}" if found.low is not None else ""
    yield from _named("rows", [f"{found.rows:,}{span}: {found.slice[:12]} in training set {found.training_set[:12]}"])
    yield from _named("asked by", _asked(found.requirement))
    yield from _shared(found.code)
    told: set[tuple[str, int]] = set()
    yield from _named("data", [line for each in found.data for line in _data(each, told)])


def _named(name: str, content: Sequence[str]) -> Iterator[str]:
    for place, line in enumerate(content):
        yield f"  {'' if place else name:<{_WIDTH}}{line}"


def _asked(wanted: Requirement | None) -> list[str]:
    if wanted is None:
        return []
    since = "" if wanted.standing else "; declared otherwise since"
    kind = wanted.kind.replace("_", " ")
    said = [wanted.description] if wanted.description else []
    return [
        f"{kind} {wanted.name} {wanted.fingerprint[:12]}, declared {_at(wanted.at)} by {wanted.actor}{since}",
        *said,
    ]


def _shared(code: Code | None) -> Iterator[str]:
    """What ran: bundle, modules and functions, then the environment."""
    if code is None:
        return
    names = [f"module {name} {digest[:12]}" for name, digest in code.modules.items()]
    names += [f"function {name} {digest[:12]}" for name, digest in code.functions.items()]
    yield from _named("code", [f"project {code.project}, bundle {code.bundle[:12]}, {commit(code)}", *_cut(names, 12)])
    yield from _named("environment", [", ".join(f"{name} {version}" for name, version in code.libraries.items())])


def commit(code: Code) -> str:
    """The commit that a bundle was made in, and whether the tree held changes beside it."""
    if code.git_commit is None:
        return "not under version control"
    return f"commit {code.git_commit[:10]}, {'with uncommitted changes' if code.dirty else 'clean'}"


def _data(found: Data, told: set[tuple[str, int]]) -> list[str]:
    """A dataset's version, what made it, and what that goes back to, further in; each version is told once."""
    name = f"{found.dataset}@{found.number}"
    if (found.dataset, found.number) in told:
        return [f"{name} (above)"]
    told.add((found.dataset, found.number))
    return [f"{name}: {_extent(found)}", *(f"  {line}" for line in _below(found, told))]


def _below(found: Data, told: set[tuple[str, int]]) -> list[str]:
    below = []
    wanted = found.requirement
    if wanted is not None and wanted.kind == "feature_view":
        functions = ", ".join(found.code.functions) if found.code else ""
        below.append(f"by view {wanted.name} {wanted.fingerprint[:12]}" + (f" ({functions})" if functions else ""))
    below += [line for each in found.made_of for line in _data(each, told)]
    return below + _cut([f"{kind} {reference}" for kind, reference in found.read], _MOST)


def _extent(found: Data) -> str:
    span = f", {_span(found.low, found.high)}" if found.low is not None else ""
    return f"{plural(found.rows, 'row')} in {plural(found.parts, 'part')}{span}"


def _cut(names: list[str], most: int) -> list[str]:
    """At most so many: the first ones, how many are left out, and the last."""
    if len(names) <= most:
        return names
    return [*names[: most - 2], f"… and {len(names) - most + 1:,} more (--json lists all)", names[-1]]


def _span(low: datetime | None, high: datetime | None) -> str:
    return f"{text(low)} UTC" if low == high else f"{text(low)} to {text(high)} UTC"


def _at(at: datetime) -> str:
    return f"{text(at)} UTC"
