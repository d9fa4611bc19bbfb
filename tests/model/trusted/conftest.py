"""An estimator whose class is of a project's own module, and estimators that do what they are told to."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from argosy.errors import ArgosyError
from argosy.model.matrix import Matrix
from argosy.model.trusted import content
from argosy.model.trusted.process import Process, Terms

WIDTH = 4
OWN = """
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

SCALE = 3.0

def apart(rows):
    return np.abs(rows * SCALE).sum(axis=1)

class Near(ClassifierMixin, BaseEstimator):
    def fit(self, rows, labels):
        self.classes_, self.n_features_in_ = np.unique(labels), rows.shape[1]
        self.rows_, self.labels_ = rows, labels
        return self

    def predict_proba(self, rows):
        near = [self.labels_[np.argsort(apart(self.rows_ - row))[:9]].mean() for row in rows]
        return np.column_stack([1 - np.array(near), near])
"""


class Own(NamedTuple):
    """A fitted estimator of a project's own class, its rows, and what is kept of it."""

    estimator: Any
    matrix: Matrix
    data: bytes


class Does:
    """An estimator that answers rows by a function, which may do anything."""

    def __init__(self, act: Callable[[Matrix], Any]) -> None:
        self.act = act

    def predict(self, rows: Matrix) -> Any:
        return self.act(rows)


def does(act: Callable[[Matrix], Any]) -> bytes:
    return content.pack(Does(act), WIDTH, "regression", np.zeros((1, WIDTH)))


def told(process: Process, act: Callable[[Matrix], Any]) -> str:
    """What became of an act, which must not end the process."""
    turn = process.load(1, data := does(act))
    try:
        found, now = process.answer(1, data, turn, np.zeros((2, 4)))
    except ArgosyError as error:
        assert process.turn == turn
        return error.message
    assert now == turn
    return str(found.tolist())


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Own]:
    """Its module is nowhere to be imported from once it is packed."""
    place = tmp_path_factory.mktemp("project")
    (place / "nearness.py").write_text(OWN)
    sys.path.insert(0, str(place))
    rng = np.random.default_rng(3)
    matrix = rng.normal(size=(300, WIDTH)).astype(np.float32).astype(np.float64)
    estimator = importlib.import_module("nearness").Near().fit(matrix, (matrix[:, 0] + matrix[:, 1] > 0).astype(int))
    data = content.pack(estimator, WIDTH, "binary", matrix[:8])
    sys.path.remove(str(place))
    Path(place, "nearness.py").unlink()
    yield Own(estimator, matrix, data)
    del sys.modules["nearness"]


@pytest.fixture(scope="module")
def process() -> Iterator[Process]:
    """A process that has a second for an answer."""
    made = Process(Terms(answer_seconds=1.0, load_seconds=20.0))
    yield made
    made.end()
