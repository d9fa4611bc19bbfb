"""Neighbours: the rows of a version's training set that are nearest to a row that it answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from argosy.controller.trial import value
from argosy.features.trainingset import Block, TrainingSet
from argosy.model.signature import Feature, Matrix, encode_rows
from argosy.spec.fleet import POOLED
from argosy.store.codec import EPOCH
from argosy.training.plan import everyone
from argosy.training.rows import Member

NEAREST = 5
LARGEST = 500_000
"""Rows that are looked at; of more, as many that are spread evenly over them."""


class Neighbour(msgspec.Struct, frozen=True):
    """A row of the training set: how far it is, its label, its decision time, and its values by feature.

    The distance is the root of the mean square over the features: of numbers in standard deviations of the rows; what
    is another category, or known of one of the two alone, is 1 away.
    """

    distance: float
    label: float
    at: datetime
    values: dict[str, Any]


class Neighbours(msgspec.Struct, frozen=True):
    """The nearest rows, nearest first, of `looked` that were looked at; `reason` says why there are none.

    What is known of a row is held against them: `lacking` are the features of which its value was not recorded.
    """

    nearest: tuple[Neighbour, ...] = ()
    looked: int = 0
    reason: str = ""
    lacking: tuple[str, ...] = ()


def nearest(sets: Path, member: str, digest: str, row: Mapping[str, Any]) -> Neighbours:
    """The rows nearest to a row of those of a member (`*`: all) with this content address, as a training read them.

    They are looked for in the training sets below `sets`, of which there are the last ones alone.
    """
    for file in sorted(sets.glob("*/set.json")):
        data = TrainingSet.open(file.parent)
        if _digest(data, member) == digest:
            return _nearest(data, member, row)
    return Neighbours(reason="the rows that the version was trained on do not lie on this machine any more")


def _digest(data: TrainingSet, member: str) -> str | None:
    """The content address of a member's rows in a set, as a training says that it read them."""
    columns = ("member", "start", "rows", "digest")
    lines = [Member(*line) for line in data.members.select(columns).iter_rows() if line[0] != POOLED]
    if member == POOLED:
        return everyone(lines)
    return next((each.digest for each in lines if each.key == member), None)


def _nearest(data: TrainingSet, member: str, row: Mapping[str, Any]) -> Neighbours:
    features = data.signature.features
    lacking = tuple(each.name for each in features if each.name not in row)
    if len(lacking) == len(features):
        return Neighbours(reason="no value of the row was recorded", lacking=lacking)
    block = data.block(member)
    step = -(-len(block.labels) // LARGEST)
    wanted = encode_rows([{**row, **dict.fromkeys(lacking)}], data.signature)[0]
    known = [place for place, each in enumerate(features) if each.name in row]
    some = tuple(features[place] for place in known)
    distances = np.sqrt(_squares(block.matrix[::step], wanted, known, some).mean(axis=1))
    places = np.argsort(distances, kind="stable")[:NEAREST].tolist()
    found = tuple(_neighbour(data, block, place * step, float(distances[place])) for place in places)
    return Neighbours(found, len(distances), lacking=lacking)


def _squares(rows: Matrix, wanted: Matrix, places: Sequence[int], features: Sequence[Feature]) -> Matrix:
    """The squared distance of each row [rows] in each of some features [features], which have these places."""
    found = np.empty((len(rows), len(places)))
    for number, (place, feature) in enumerate(zip(places, features, strict=True)):
        column = np.asarray(rows[:, place])
        known = ~np.isnan(column)
        gaps: npt.NDArray[np.float64] = column - wanted[place]
        if feature.kind == "number":
            spread = float(column[known].std()) if known.any() else 0.0
            gaps = gaps / spread if spread > 0.0 else gaps * 0.0
        else:
            gaps = (gaps != 0.0).astype(np.float64)
        both = known & ~np.isnan(wanted[place])
        found[:, number] = np.where(both, gaps * gaps, (known != ~np.isnan(wanted[place])).astype(np.float64))
    return found


def _neighbour(data: TrainingSet, block: Block, place: int, distance: float) -> Neighbour:
    pairs = zip(data.signature.features, block.matrix[place].tolist(), strict=True)
    values = {feature.name: value(feature, number) for feature, number in pairs}
    at = EPOCH + timedelta(microseconds=int(block.times[place]))
    return Neighbour(distance, float(block.labels[place]), at, values)
