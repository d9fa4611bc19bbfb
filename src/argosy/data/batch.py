"""Judging what arrived: what of it is new, known by now and good."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
import polars as pl

from argosy.data import history, part, problem, reference, validate
from argosy.data.fit import Fit, fit
from argosy.data.history import ROW
from argosy.data.load import Load
from argosy.data.part import Layout
from argosy.data.problem import Problem
from argosy.data.state import Before
from argosy.data.terms import Terms, suggest
from argosy.errors import InputError
from argosy.spec.dataset import Dataset
from argosy.store import Blobs
from argosy.store.mask import Tags

KEPT = "dataset"
"""Kind of a load whose rows came from parts of the dataset itself: kept back, or rejected."""


class Batch(msgspec.Struct, frozen=True):
    """What is to be committed. `rows` is one frame, or one per load where the loads do not fit together.

    `aside` rows have a `reason`; `later` ones are not known yet. `terms` are in force once the batch is in.
    """

    rows: tuple[pl.DataFrame, ...]
    aside: pl.DataFrame
    later: pl.DataFrame
    terms: Terms
    problems: tuple[Problem, ...]
    corrected: int = 0
    unchanged: int = 0

    @property
    def blocked(self) -> bool:
        """Whether the rows may not become part of the dataset."""
        return problem.blocks(self.problems)

    @property
    def height(self) -> int:
        """How many rows are to be added."""
        return sum(rows.height for rows in self.rows)


def judge(
    blobs: Blobs, dataset: Dataset, loads: Sequence[Load], before: Before, now: datetime, *, acceptor: str | None = None
) -> Batch:
    """Everything but the writing. With an `acceptor`, what would block is let in on that person's word.

    Raises `InputError` where rows cannot be told apart or dated, and where an accepted column has no common type.
    """
    layout = Layout.of(dataset)
    fitted = fit(loads, before.terms, layout, accepted=acceptor is not None)
    nothing = pl.DataFrame()
    if problem.blocks(fitted.problems) and (acceptor is None or not fitted.fitting):
        if acceptor is not None:
            first = next(each.message for each in fitted.problems if each.rule == "type")
            raise InputError(f"{dataset.name}: {first}", next="change the declared type, then accept it again")
        whole = tuple(each.rows for each in loads if not each.rows.is_empty())
        return Batch(whole, nothing, nothing, before.terms, fitted.problems)
    rows, later, doubled = _known(fitted, loads, layout, now, dataset.tags)
    if rows.is_empty():
        return Batch((), nothing, later, before.terms, (), 0, doubled)
    sifted = history.sift(blobs, before.parts, rows, layout, fitted.types)
    targets = [each for each in before.targets if fitted.terms.asks(each.reference)]
    more, unchecked = reference.checks(blobs, targets, sifted.rows) if sifted.rows.height else ([], [])
    verdict = validate.validate(sifted.rows, fitted.terms, layout, more)
    aside = history.sift(blobs, before.aside, verdict.aside, layout, fitted.types)
    problems = [*fitted.problems, *sifted.problems, *unchecked, *verdict.problems]
    unique = fitted.terms.contract.unique
    if not sifted.rows.is_empty():
        if not layout.names(unique) and set(unique) <= fitted.types.keys():
            stored = part.frame(blobs, before.parts, fitted.types) if before.parts else None
            problems += validate.repeated(verdict.good, stored, unique, layout)
        problems += validate.whole(fitted.terms, verdict.good.height, _newest(verdict.good, before, layout), now)
    terms = fitted.terms
    good = verdict.good.drop(ROW)
    if not terms.suggested:
        terms = msgspec.structs.replace(terms, suggested=suggest(good, layout, dataset.tags))
    return Batch(
        rows=(good,) if good.height else (),
        aside=aside.rows.drop(ROW),
        later=later,
        terms=terms,
        problems=tuple(problem.accepted(problems, acceptor) if acceptor else problems),
        corrected=sifted.corrected,
        unchanged=doubled + sifted.unchanged,
    )


def _known(
    fitted: Fit, loads: Sequence[Load], layout: Layout, now: datetime, tags: Tags
) -> tuple[pl.DataFrame, pl.DataFrame, int]:
    """All rows known by `now`, each once and numbered; those known later, to be kept; how many came twice."""
    due, waits, places, start = list[pl.DataFrame](), list[pl.DataFrame](), [], 0
    present = [given for given in loads if not given.rows.is_empty()]
    for given in present:
        places.append((start, given.name))
        frame = fitted.rows(given).with_row_index(ROW, start)
        start += frame.height
        future = (frame[layout.knowing] > now).fill_null(False)
        if future.any():
            waits.append(frame.filter(future) if not given.repeats else frame.clear())
            frame = frame.filter(~future)
        due.append(frame)
    if not due:
        return pl.DataFrame(), pl.DataFrame(), 0
    later = pl.concat(waits) if waits else due[0].clear()
    kept = [given.kind == KEPT for given in present]
    if any(kept) and len(kept) > 1:
        due = _overtaken(due, kept, layout)
        if layout.key:
            later = later.unique(layout.identity([]), keep="last", maintain_order=True)
    rows, doubled = history.single(pl.concat(due), layout, places, tags)
    return rows, later.drop(ROW), doubled


def _overtaken(due: Sequence[pl.DataFrame], kept: Sequence[bool], layout: Layout) -> list[pl.DataFrame]:
    """The frames without those rows of kept ones that a later frame has again, perhaps amended."""
    identity = layout.identity([name for name in due[0].columns if name != ROW])
    found: list[pl.DataFrame] = []
    for index, (frame, old) in enumerate(zip(due, kept, strict=True)):
        after = [each.select(identity) for each in due[index + 1 :]]
        again = old and after
        found.append(
            frame.join(pl.concat(after), on=identity, how="anti", nulls_equal=True, maintain_order="left")
            if again
            else frame
        )
    return found


def _newest(rows: pl.DataFrame, before: Before, layout: Layout) -> datetime | None:
    here = rows[layout.time].max()
    spans = [each.high for each in before.parts if each.high is not None]
    return max([*spans, *([here] if isinstance(here, datetime) else [])], default=None)
