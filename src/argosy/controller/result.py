"""Results: what a run gave by name, or one of its steps did, and the values that artifacts hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection

from argosy.controller import course
from argosy.errors import InputError, UnknownError, UsageError
from argosy.pipelines import format
from argosy.pipelines.format import Source
from argosy.pipelines.formats import value
from argosy.store import Blobs, artifacts, calls, executions, runs
from argosy.store.artifacts import Artifact
from argosy.store.runs import Run

Written = Any
"""An output as facts name it (see `memo.written`): `[format, digest]`, a list of such as `{"items": […]}`, or None."""
_SHOWN = 20


def named(conn: Connection, run_id: int) -> dict[str, Written]:
    """What a run gave, by name: nothing before its end. Raises UnknownError where there is no such run."""
    course.find(conn, run_id)
    ending = runs.endings(conn, [run_id]).get(run_id)
    return ending.body.get("results", {}) if ending is not None else {}


def find(conn: Connection, run_id: int, name: str | None, element: int | None = None) -> Written:
    """The result of that name, else what the step of that name gave: of several outputs `split.test`, or
    `split.2`, is one.

    Without a name the only result. `element` is one of a list. Raises UnknownError and UsageError that say what
    there is.
    """
    run, given = course.find(conn, run_id), named(conn, run_id)
    if name is None and len(given) != 1:
        raise UsageError(f"run {run_id} gave {_list(given) or 'nothing'}", next=_example(run_id, given))
    name = next(iter(given)) if name is None else name
    found = given[name] if name in given else _output(conn, run, name, given)
    if element is None:
        return found
    items = found["items"] if isinstance(found, dict) else None
    if items is None or not 0 <= element < len(items):
        shown = "no list" if items is None else f"a list of {len(items):,}"
        raise UnknownError(f"{name} of run {run_id} is {shown}: it has no element {element}",
                           next="elements are counted from 0; leave --element out for all of it")  # fmt: skip
    return items[element]


def called(names: Sequence[str], place: int) -> str:
    """What an output of a step is called by, its name or else its number, which counts from 1."""
    return (names[place] if place < len(names) else "") or str(place + 1)


def leaves(written: Written) -> Iterator[tuple[str, str]]:
    """The artifacts within an output: the format and the digest of each."""
    if isinstance(written, dict):
        for each in written["items"]:
            yield from leaves(each)
    elif written is not None:
        yield written[0], written[1]


def fetch(conn: Connection, written: Written) -> dict[str, Artifact]:
    """The artifacts within an output, or a list of outputs, by digest. Raises UnknownError for a lost one."""
    wanted = {digest for _, digest in leaves(written)}
    found = artifacts.get(conn, wanted)
    for digest in wanted - found.keys():
        raise UnknownError(f"artifact {digest[:12]} is not on record", next="run it again: it will be made anew")
    return found


def load(blobs: Blobs, known: dict[str, Artifact], written: Written, scratch: Path) -> Any:
    """The value of an output; files are made in `scratch`. Raises UnknownError for a format that is not registered."""
    if isinstance(written, dict):
        return [load(blobs, known, each, scratch) for each in written["items"]]
    if written is None:
        return None
    kind, digest = written
    return format.named(kind).load(source(blobs, known[digest], scratch), Any)


def source(blobs: Blobs, artifact: Artifact, scratch: Path) -> Source:
    """The bytes of an artifact, as formats read them."""
    return Source(artifact.slot, blobs, scratch, artifact.data)


def json(sources: Sequence[Source], *, listed: bool = False) -> str:
    """Values as JSON, indented: one, or a list of them. Raises InputError for what JSON cannot tell."""
    try:
        found = [value.read(source.bytes()) for source in sources]
        data = msgspec.json.encode(found if listed else found[0])
    except (InputError, TypeError, OverflowError, ValueError) as error:
        said = error.message if isinstance(error, InputError) else str(error)
        raise InputError(f"JSON cannot tell this value: {said}", next="read it in Python: ag.results(RUN)") from error
    return msgspec.json.format(data, indent=2).decode() + "\n"


def _output(conn: Connection, run: Run, name: str, given: dict[str, Written]) -> Written:
    nodes = {node["name"]: node.get("outputs", []) for node in run.body.get("nodes", ())}
    head, dot, tail = name.rpartition(".")
    node, wanted = (name, None) if name in nodes or not dot else (head, tail)
    names = nodes.get(node, [])
    number = (
        names.index(wanted) + 1
        if wanted and wanted in names
        else int(wanted)
        if wanted and wanted.isdecimal()
        else None
    )
    if node not in nodes or (wanted is not None and number is None):
        raise UnknownError(f"run {run.id} has no result and no step {name!r} (results: {_list(given) or 'none'}; "
                           f"steps: {_list(nodes) or 'none'})", next=f"argosy describe run {run.id}")  # fmt: skip
    of_node = sorted(calls.of(conn, run.id, node=node), key=lambda each: each.element)
    made = executions.get(conn, {each.execution_id for each in of_node if each.execution_id is not None})
    outputs = [made[each.execution_id].parameters.get("outputs") if each.execution_id in made else None
               for each in of_node]  # fmt: skip
    if not any(outputs):
        raise UnknownError(f"{node} of run {run.id} gave nothing", next=f"argosy why run {run.id} --step {node}")
    count = max(len(each) for each in outputs if each)
    place = number if number is not None else 1
    if (number is None and count > 1) or not 1 <= place <= count:
        each = _list(f"{node}.{called(names, at)}" for at in range(count))
        raise UsageError(f"{node} gives {count} outputs", next=f"name one of them: {each}")
    picked = [each[place - 1] if each else None for each in outputs]
    return picked[0] if of_node[0].element == calls.WHOLE else {"items": picked}


def _number(names: Sequence[str], wanted: str) -> int | None:
    """Which output is called so, counted from 1; None for none."""
    if wanted and wanted in names:
        return names.index(wanted) + 1
    return int(wanted) if wanted.isdecimal() else None


def _list(names: Any) -> str:
    shown = list(names)
    return ", ".join(shown[:_SHOWN]) + (f" and {len(shown) - _SHOWN:,} more" if len(shown) > _SHOWN else "")


def _example(run_id: int, given: dict[str, Written]) -> str:
    one = next(iter(given), None)
    return f"argosy read run {run_id} {one}" if one else f"argosy describe run {run_id}, or name one of its steps"
