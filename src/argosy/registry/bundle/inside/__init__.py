"""Models that predict by themselves: `predict(rows)` takes rows as dictionaries and gives a number for each."""

from .predict import Fleet, Model, check, load, predict

__all__ = ["Fleet", "Model", "check", "load", "predict"]
