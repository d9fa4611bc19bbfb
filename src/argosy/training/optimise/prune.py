"""Pruning of a boosted model: its first trees alone, where they do almost as well."""

from __future__ import annotations

import ctypes

import numpy as np

from argosy.errors import CorruptError, InputError
from argosy.metric import known, measure
from argosy.model.format import load
from argosy.model.lightgbm import library
from argosy.training.boost import written
from argosy.training.rows import Block

_STEPS = 32


def prune(data: bytes, judges: Block, metric: str, tolerance: float) -> tuple[bytes, int]:
    """The shortest beginning of a LightGBM text model whose score on some rows is good enough, and its trees.

    Good enough is a score that is worse than that of all trees by at most a share of `tolerance`. Raises InputError
    where no fewer trees are: of the numbers of trees, evenly spread ones are tried.
    """
    rounds, booster = ctypes.c_int(), ctypes.c_void_p()
    if library().LGBM_BoosterLoadModelFromString(data, ctypes.byref(rounds), ctypes.byref(booster)):
        raise CorruptError("LightGBM refuses the model", next="optimise another version")
    try:
        whole = measure(metric, judges.labels, load("lightgbm", data, known=True).predict(judges.matrix)).value
        for count in np.unique(np.linspace(1, rounds.value, _STEPS).astype(int))[:-1].tolist():
            text = written(booster, count)
            found = measure(metric, judges.labels, load("lightgbm", text, known=True).predict(judges.matrix)).value
            if known(metric).gain(found, whole) >= -tolerance * abs(whole):
                return text, count
    finally:
        library().LGBM_BoosterFree(booster)
    raise InputError(
        f"fewer than its {rounds.value} trees make {metric} worse by more than {tolerance:.2%} of {whole:.4g} on "
        f"{len(judges.labels)} rows",
        next="allow more with --tolerance",
    )
