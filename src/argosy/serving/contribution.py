"""Contributions of features to the scores of a batch: each version explains its own rows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from argosy.serving.cache import Loaded
from argosy.serving.explanation import Explanation
from argosy.serving.prediction import Given
from argosy.serving.routing import Assignment, VersionRef


def explain(models: Mapping[VersionRef, Loaded], assignment: Assignment, given: Given) -> Explanation:
    """Explain rows to the versions that they are assigned to, which have answered them.

    Raises what `Model.explain` raises.
    """
    features = dict.fromkeys(name for ref in assignment.groups for name in models[ref].signature.names)
    places = {name: place for place, name in enumerate(features)}
    contributions, base = np.zeros((given.count, len(places))), np.empty(given.count)
    for ref, rows in assignment.groups.items():
        loaded = models[ref]
        found = loaded.model.explain(given.some(rows, loaded.signature))
        contributions[np.ix_(rows, [places[name] for name in loaded.signature.names])] = found[:, :-1]
        base[rows] = found[:, -1]
    nothing = [None] * given.count
    return Explanation(
        {name: given.columns.get(name, nothing) for name in places},
        contributions,
        base.tolist(),
        [models[ref].model.space for ref in assignment.versions],
    )
