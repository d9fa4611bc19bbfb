"""`argosy read`: the rows of a version of a dataset, an artifact, or what a run gave."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import msgspec
import polars as pl
from cyclopts import Parameter
from sqlalchemy import Connection

from argosy.cli import copy, home, rows
from argosy.cli.account import identity
from argosy.cli.option import Common
from argosy.controller import provenance, result
from argosy.data.read import scan
from argosy.data.state import REJECTED
from argosy.errors import UnknownError, UsageError
from argosy.pipelines import format
from argosy.registry.address import Address, parse
from argosy.store import Store, datasets
from argosy.store.artifacts import Artifact
from argosy.store.datasets import Version


class _Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What to do with what is read."""

    to: Path | None
    limit: int | None
    force: bool
    json: bool


def read(
    what: str, id: str | None = None, name: str | None = None, /, *, to: Path | None = None,
    limit: int | None = None, element: int | None = None, force: Annotated[bool, Parameter(negative="")] = False,
    common: Common | None = None,
) -> int:  # fmt: skip
    """Show or write to a file the rows of a dataset, in order of arrival; what a run gave; or an artifact.

    A row that was corrected occurs once for each time at which it became known.

    For example:
      argosy read flights
      argosy read flights@12 --to flights-12.parquet
      argosy read flights --json --limit 3
      argosy read run 7 report --to report.html
      argosy read run 7 fit --element 3 --to fit-3.txt
      argosy read run 7 split.2                     (the second of a step's outputs)
      argosy read artifact 5d45b018 --to model.txt

    Parameters
    ----------
    what
        The dataset, or one of its versions (default: the latest that was not rejected); or: run, artifact.
    id
        Of a run its number, of an artifact its digest, of which the beginning is enough.
    name
        Of a run: a result of it, or a step. Default: its only result.
    to
        Where to write: rows to .parquet, .csv, .json or .arrow, a value to .json, an array to .npy, a report to .html
        or .md, a model to any file, files and directories as they are. Default: stdout, for rows and values.
    limit
        How many rows, the first ones. Default: 20 on stdout, all of them in a file.
    element
        Of a list: one element, counted from 0.
    force
        Replace the file if it is there.
    """
    given = common or Common()
    if limit is not None and limit < 1:
        raise UsageError(f"--limit {limit} is less than 1", next="ask for at least one row")
    if id is not None and what not in ("run", "artifact"):
        raise UsageError(f"{what} {id} is nothing to read", next=f"argosy read {what}, argosy read run {id}")
    if (name is not None or element is not None) and (id is None or what != "run"):
        raise UsageError("a result's name and --element are of a run", next="argosy read run ID NAME --element N")
    asked = _Asked(to=to, limit=limit, force=force, json=given.json)
    with home.open(given.home) as store:
        if id is None:
            with store.read() as conn:
                version = _version(conn, parse(what))
                found = scan(conn, store, version.dataset, version.number)
            _table(found, version.rows, f"{version.dataset}@{version.number}", asked)
            return 0
        with store.read() as conn:
            made, shown = _output(conn, what, id, name, element)
            known = result.fetch(conn, made)
        _written(store, known, made, shown, asked)
    return 0


def _output(conn: Connection, what: str, id: str, name: str | None, element: int | None) -> tuple[result.Written, str]:
    """What is meant of a run, or the artifact, and what it is called."""
    if what == "artifact":
        kept = provenance.artifact(conn, id)
        return [kept.format, kept.digest], f"artifact {kept.digest[:12]}"
    number = identity("run", id)
    made = result.find(conn, number, name, element)
    return made, (f"{name} of run {number}" if name is not None else f"the result of run {number}")


def _written(store: Store, known: dict[str, Artifact], made: result.Written, shown: str, asked: _Asked) -> None:
    """Show or write an output. Raises UsageError for what has to be asked for in another way."""
    kinds = {kind for kind, _ in result.leaves(made)}
    with tempfile.TemporaryDirectory(prefix="argosy-") as scratch:
        if kinds == {"value"} and (asked.to is None or isinstance(made, dict)):
            sources = [result.source(store.blobs, known[digest], Path(scratch)) for _, digest in result.leaves(made)]
            text = result.json(sources, listed=isinstance(made, dict))
            copy.text(text, shown, asked.to, force=asked.force)
        elif made is None:
            raise UnknownError(f"{shown} is nothing: a constant, a dataset, or a branch that was not taken",
                               next="argosy describe run ID")  # fmt: skip
        elif isinstance(made, dict):
            raise UsageError(f"{shown} is a list of {len(made['items']):,}", next="name one with --element N")
        elif made[0] == "table":
            source = result.source(store.blobs, known[made[1]], Path(scratch))
            table: pl.LazyFrame = format.named("table").load(source, pl.LazyFrame)
            _table(table, table.select(pl.len()).collect().item(), shown, asked)
        elif asked.to is None:
            raise UsageError(f"{shown} is a {made[0]}, which is not shown here", next="write it with --to FILE")
        else:
            copy.write(store.blobs, known[made[1]], made[0], shown, asked.to, force=asked.force)


def _table(table: pl.LazyFrame, count: int, name: str, asked: _Asked) -> None:
    if asked.to is None:
        rows.tell(table, count, name, limit=asked.limit, json=asked.json)
    else:
        rows.write(table, count, name, asked.to, limit=asked.limit, force=asked.force)


def _version(conn: Connection, asked: Address) -> Version:
    """The version that is meant. Raises UnknownError where there is none, or where its contract rejected it."""
    name = asked.fleet
    last = datasets.version(conn, name)
    if last is None or asked.key:
        raise UnknownError(f"there is no dataset {asked.member} with rows", next="argosy get datasets")
    rejected = {each.from_version for each in datasets.parts(conn, name, last.number, purpose=REJECTED)}
    if asked.number in rejected:
        raise UnknownError(
            f"{asked} was rejected by its contract: it has no rows to read",
            next=f"argosy why {name}, or argosy approve {asked} to take its rows in",
        )
    number = asked.number or next((each for each in range(last.number, 0, -1) if each not in rejected), None)
    if number is None:
        raise UnknownError(
            f"every version of {name} was rejected by its contract",
            next=f"argosy why {name}, or argosy approve {name}@1",
        )
    version = datasets.version(conn, name, number)
    if version is None:
        raise datasets.absent(str(asked), last)
    return version
