"""Models that predict by themselves: `predict(rows)` takes rows as dictionaries and gives a number for each.

`answer(rows)` gives an object for each, with bounds and quantiles where the model has some.
"""

from .predict import PREDICTION, Fleet, Model, answer, check, load, predict

__all__ = ["PREDICTION", "Fleet", "Model", "answer", "check", "load", "predict"]
