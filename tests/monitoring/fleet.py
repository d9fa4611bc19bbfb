"""Rows of a small fleet for the tests of this package."""

from __future__ import annotations

import numpy as np
import polars as pl

from argosy.monitoring.bins import Bins
from argosy.monitoring.count import count
from argosy.monitoring.window import Windows

MEMBERS = ("EWR/UA", "JFK/AA", "JFK/B6", "LGA/DL")


def rows(seed: int, size: int = 4000, *, shift: float = 0.0) -> pl.DataFrame:
    """Rows with every type of feature, nulls, a calibrated prediction and a label; `shift` moves `temp`."""
    random = np.random.default_rng(seed)
    temp = random.normal(size=size) + shift
    p = 1.0 / (1.0 + np.exp(1.0 - temp))
    label = np.where(random.random(size) < 0.9, (random.random(size) < p).astype(float), np.nan)
    return pl.DataFrame(
        {
            "temp": temp,
            "rain": np.where(random.random(size) < 0.9, 0.0, random.random(size)),
            "hour": random.integers(0, 24, size),
            "plane": random.choice(["A320", "B737", "E190", "MD80"], size, p=[0.5, 0.3, 0.15, 0.05]),
            "night": random.random(size) < 0.2,
            "prediction": p,
            "label": label,
            "code": random.integers(0, len(MEMBERS), size),
        }
    ).with_columns(
        pl.when(pl.col("hour") == 3).then(None).otherwise(pl.col("temp")).alias("temp"),
        pl.col("label").fill_nan(None),
    )


FEATURES = ("temp", "rain", "hour", "plane", "night")


def bins(frame: pl.DataFrame) -> Bins:
    return Bins.fit(frame, features=FEATURES)


def windows(frame: pl.DataFrame, on: Bins) -> Windows:
    return count(frame, MEMBERS, frame["code"].to_numpy(), on, prediction="prediction", label="label")
