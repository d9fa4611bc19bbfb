"""A function of the project as a source: it yields frames of what is new."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import msgspec
import polars as pl

from argosy.data import dtype, ledger, load
from argosy.data.ledger import Mark
from argosy.data.load import Load
from argosy.data.part import Layout
from argosy.errors import InputError
from argosy.spec.dataset import Dataset
from argosy.spec.function import resolve
from argosy.spec.source import Function


def read(dataset: Dataset, source: Function, mark: Mark, now: datetime) -> list[Load]:
    """Call the function with the largest known time that it gave so far, up to `now`. Nothing new gives no load.

    It may return a frame, or yield several. Raises `InputError` for anything else; what it raises itself passes, with
    a note of whose source it is.
    """
    loads, layout = [], Layout.of(dataset)
    dates = (layout.time, layout.knowing)
    for index, rows in enumerate(_frames(dataset.name, source, mark.value)):
        if not rows.is_empty():
            name = f"{source.function}, frame {index + 1}"
            reference = f"{source.function} since {mark.value or 'the beginning'}"
            given = Load(name, "function", reference, (), rows, repeats=True)
            loads.append(load.settled(given, "UTC", dates, dataset.tags))
    until = _until(loads, layout.knowing, now)
    if loads and until is not None and until != mark.value:
        key = ledger.mark_key(Mark(mark.count + 1, until))
        loads[0] = msgspec.structs.replace(loads[0], keys=(key,))
    return loads


def _frames(dataset: str, source: Function, since: datetime | None) -> Iterator[pl.DataFrame]:
    try:
        yield from _asked(dataset, source, resolve(source.function)(since))
    except Exception as error:
        error.add_note(f"raised by {source.function}, the source of {dataset}")
        raise


def _asked(dataset: str, source: Function, given: Any) -> Iterator[pl.DataFrame]:
    several = [given] if isinstance(given, (pl.DataFrame, pl.LazyFrame)) else given
    if not isinstance(several, Iterable):
        raise InputError(
            f"{dataset}: {source.function} returned {type(given).__name__}, not frames", next="yield polars.DataFrame"
        )
    for each in several:
        frame = each.collect() if isinstance(each, pl.LazyFrame) else each
        if not isinstance(frame, pl.DataFrame):
            raise InputError(
                f"{dataset}: {source.function} yielded {type(each).__name__}, not a frame",
                next="yield polars.DataFrame",
            )
        yield frame


def _until(loads: list[Load], knowing: str, now: datetime) -> datetime | None:
    found = []
    for given in loads:
        if given.rows.schema.get(knowing) == dtype.INSTANT:
            found.append(given.rows.filter(pl.col(knowing) <= dtype.instant(now))[knowing].max())
    return max((each for each in found if isinstance(each, datetime)), default=None)
