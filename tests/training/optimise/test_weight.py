"""Networks with their smallest weights left out, against the whole ones."""

from __future__ import annotations

from functools import cache

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

from argosy.errors import InputError
from argosy.metric import measure
from argosy.model.export import export
from argosy.model.format import load
from argosy.model.single import single
from argosy.training.optimise.weight import prune_weights
from argosy.training.rows import Block
from tests.training.sample import SIGNATURE, some

pytestmark = pytest.mark.slow  # the converters to ONNX take seconds to import


def blind(seed: int, rows: int) -> Block:
    found = some(seed, rows)
    return found._replace(matrix=np.nan_to_num(found.matrix))


TRAIN, JUDGES = blind(0, 900), blind(1, 900)


@cache
def network(layers: tuple[int, ...] = (256, 64), alpha: float = 3.0) -> bytes:
    estimator = MLPClassifier(layers, max_iter=400, random_state=0, tol=3e-3, n_iter_no_change=3, alpha=alpha)
    estimator.fit(TRAIN.matrix, TRAIN.labels)
    return export(estimator, SIGNATURE, TRAIN.matrix[:10])[1]


def loss(data: bytes) -> float:
    return measure("log_loss", JUDGES.labels, load("onnx", data).predict(JUDGES.matrix)).value


def test_as_few_weights_stay_as_the_metric_bears() -> None:
    data = network()
    made, left = prune_weights(data, JUDGES, "log_loss", 0.02)
    assert left < 0.31 and len(made) < len(data) and loss(made) <= 1.02 * loss(data)
    fewer, rest = prune_weights(data, JUDGES, "log_loss", 0.5)
    assert rest <= left and len(fewer) <= len(made)
    assert np.array_equal(load("onnx", single(made)).predict(JUDGES.matrix), load("onnx", made).predict(JUDGES.matrix))
    np.testing.assert_allclose(load("onnx", made).explain(JUDGES.matrix[:2]).shape, (2, 5))


def test_the_weights_that_stay_are_the_largest_of_their_layer() -> None:
    data = network()
    made, _ = prune_weights(data, JUDGES, "log_loss", 0.02)
    before = {each.name: numpy_helper.to_array(each) for each in onnx.load_model_from_string(data).graph.initializer}
    sparse = onnx.load_model_from_string(made).graph.sparse_initializer
    assert sparse
    for each in sparse:
        whole, kept = before[each.values.name], numpy_helper.to_array(each.values)
        gone = np.setdiff1d(np.abs(whole), np.abs(kept))
        assert set(kept.tolist()) <= set(whole.ravel().tolist()) and gone.max() <= np.abs(kept).min()


def test_a_network_that_needs_its_weights_keeps_them() -> None:
    with pytest.raises(InputError, match=r"without 70% of its [\d,]+ weights log_loss is worse[\s\S]*--tolerance"):
        prune_weights(network((6,), 0.0), JUDGES, "log_loss", 0.0)


def test_a_model_without_matrices_has_none_to_prune() -> None:
    estimator = LogisticRegression().fit(TRAIN.matrix, TRAIN.labels)
    with pytest.raises(InputError, match=r"multiplies no matrices[\s\S]*--method distil"):
        prune_weights(export(estimator, SIGNATURE, TRAIN.matrix[:10])[1], JUDGES, "log_loss", 0.5)
