"""One model that predicts by itself: `predict(rows)` takes rows as dictionaries and gives a number for each."""

from .predict import Bundle, predict

__all__ = ["Bundle", "predict"]
