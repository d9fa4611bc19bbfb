"""One matrix for two signatures: rows encoded for a new model, as an older or a wider model expects them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from argosy.model.signature import Feature, Signature
from argosy.training.rows import Matrix


def missing(source: Signature, target: Signature, constants: Mapping[str, str]) -> list[str]:
    """Features that `target` asks for and that neither `source` nor `constants` can give, in order."""
    given = {feature.name: feature.kind for feature in source.features}
    return [
        wanted.name
        for wanted in target.features
        if given.get(wanted.name) != wanted.kind and not (wanted.kind == "category" and wanted.name in constants)
    ]


def recode(matrix: Matrix, source: Signature, target: Signature, constants: Mapping[str, str]) -> Matrix:
    """The rows of `matrix`, encoded by `source`, encoded by `target`: C-contiguous float64.

    Features are matched by name and their categories by text; what `target` does not know becomes NaN. `constants`
    gives the value of category features that are not in the matrix, one for all rows. Ask `missing` first.
    """
    if source is target or source.digest == target.digest:
        return matrix
    place = {feature.name: index for index, feature in enumerate(source.features)}
    out = np.empty((len(matrix), len(target.features)))
    for column, wanted in enumerate(target.features):
        index = place.get(wanted.name)
        if index is None or source.features[index].kind != wanted.kind:
            out[:, column] = code(wanted, constants[wanted.name])
        elif wanted.kind != "category" or source.features[index].categories == wanted.categories:
            out[:, column] = matrix[:, index]
        else:
            out[:, column] = _translated(matrix[:, index], source.features[index], wanted)
    return out


def extended(signature: Signature, columns: Mapping[str, tuple[str, ...]]) -> Signature:
    """The signature with further category features: name -> its values, in any order. Features it has stay."""
    present = set(signature.names)
    more = [
        Feature(name, "category", tuple(sorted(set(values)))) for name, values in columns.items() if name not in present
    ]
    return Signature((*signature.features, *more), signature.task, signature.label) if more else signature


def code(feature: Feature, value: str) -> float:
    """The code of a category's value; NaN for one it does not know."""
    known = feature.categories or ()
    return float(known.index(value)) if value in known else float("nan")


def _translated(codes: Matrix, source: Feature, target: Feature) -> Matrix:
    codes_of = {value: float(number) for number, value in enumerate(target.categories or ())}
    table = np.array([codes_of.get(value, np.nan) for value in source.categories or ()] + [np.nan])
    return np.asarray(table[np.where(np.isnan(codes), len(table) - 1, codes).astype(np.int64)])
