"""Columns that a dataset tags as `pii` or `sensitive`: what comes of them is not recorded when it is served."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from argosy.spec.dataset import Dataset
from argosy.spec.expression import Expression


def tagged(
    datasets: Iterable[Dataset], expressions: Mapping[str, Expression], made: Mapping[str, Collection[str]]
) -> frozenset[str]:
    """The tagged columns of datasets, and the features that come of one of them.

    `expressions` are request features by name, and `made` says of columns of views what they are made of.
    """
    return frozenset(inherited({name: tag for each in datasets for name, tag in each.tags.items()}, expressions, made))


def inherited(
    tags: Mapping[str, str], expressions: Mapping[str, Expression], made: Mapping[str, Collection[str]]
) -> dict[str, str]:
    """The tags of columns and of the features that come of them: of one with several, that of the first it reads."""
    found = dict(tags)
    for name, reads in (*made.items(), *((name, each.columns()) for name, each in expressions.items())):
        of = next((found[each] for each in reads if each in found), None)
        if of is not None:
            found.setdefault(name, of)
    return found
