"""The matrix of the rows of a chunk, and which of them do not fit it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from argosy.errors import InputError
from argosy.model.matrix import Matrix
from argosy.model.signature import Feature, Signature, encode
from argosy.serving.bulk.reason import Mask


def encoded(
    rows: pl.DataFrame, signature: Signature, lost: Mapping[str, Mask]
) -> tuple[Matrix, list[tuple[Mask, str]]]:  # fmt: skip
    """All rows as a model of this signature takes them; and those that it does not take, with the reason.

    `lost` are by name the request features that could not be made of some rows, and of which.
    """
    refused = [(lost[name], f"request feature {name!r} fails") for name in signature.names if name in lost]
    try:
        return encode(rows, signature), refused
    except InputError:
        columns = [_column(rows, feature, signature) for feature in signature.features]
    refused += [each for _, each in columns if each is not None]
    return np.ascontiguousarray(np.column_stack([column for column, _ in columns])), refused


def _column(rows: pl.DataFrame, feature: Feature, signature: Signature) -> tuple[Matrix, tuple[Mask, str] | None]:
    """One feature; where its column does not fit, each row that has a value is refused."""
    alone = Signature((feature,), signature.task, signature.label)
    try:
        return encode(rows, alone), None
    except InputError as error:
        held = feature.name in rows.columns
        mask = rows[feature.name].is_not_null().to_numpy() if held else np.ones(rows.height, np.bool_)
        return np.full((rows.height, 1), np.nan), (mask, error.message)
