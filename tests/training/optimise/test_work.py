"""What a worker makes of a version, by each method, and on which rows it is judged."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier

from argosy.model.export import export
from argosy.model.signature import Feature, Signature
from argosy.store.blobs import Blobs, Slot
from argosy.training.fit import Job, Rival, fit
from argosy.training.optimise.work import Lighter, Method, Order, optimise
from argosy.training.outcome import Fitted
from argosy.training.pool import fit as fit_pooled
from argosy.training.rows import Block
from tests.training.sample import SIGNATURE, Memory, fleet, some

DATA = Memory({"x": some(0, 1200), "y": some(1, 400)})


def job(home: Path, **fields: Any) -> Job:
    return Job(fleet(**fields), SIGNATURE, DATA, {}, str(home / "blobs"))


def rival(home: Path, reference: str, format: str, data: bytes, signature: Signature = SIGNATURE) -> Rival:
    digest = Blobs(home / "blobs").put(data)
    return Rival(reference, format, Slot(digest, None, 0, len(data)), signature)


def trained(home: Path) -> Rival:
    found = fit(job(home), DATA.members[0], None)
    assert isinstance(found, Fitted)
    return rival(home, "late-arrival/x@1", found.format, found.data)


def order(method: Method, tolerance: float = 0.2, trees: int = 5) -> Order:
    return Order(method, tolerance, trees)


def test_a_pruned_model_is_judged_by_rows_that_did_not_choose_it(home: Path) -> None:
    original = trained(home)
    found = optimise(job(home), DATA.members[:1], original, original, order("prune"))
    assert found.fitted is not None and found.reason == ""
    whole = fit(job(home), DATA.members[0], None)
    assert isinstance(whole, Fitted)
    assert found.fitted.held_out == whole.held_out - whole.held_out // 2
    assert found.fitted.held_out_span[1] == whole.held_out_span[1] > found.fitted.held_out_span[0]
    assert found.fitted.settings == {"trees": found.fitted.data.count(b"\nTree=")}
    assert found.fitted.candidate == "prune of late-arrival/x@1"
    assert found.before["size_kb"] == original.slot.bytes / 1000 > len(found.fitted.data) / 1000
    (compared, *_) = found.fitted.evaluation.comparisons["champion"]
    assert compared.b == found.before[compared.name], "the original is the champion here, on the same rows"


def test_a_distilled_model_is_judged_by_all_held_out_rows(home: Path) -> None:
    original = trained(home)
    found = optimise(job(home), DATA.members[:1], original, None, order("distil"))
    assert found.fitted is not None and found.fitted.settings == {"trees": 5, "leaves": 7}
    scores = {each.name: each.value for each in found.fitted.evaluation.scores}
    assert scores.keys() <= found.before.keys() and scores["log_loss"] != found.before["log_loss"]
    assert sum(found.fitted.importance) == pytest.approx(1)


def test_the_pooled_model_learns_from_all_members(home: Path) -> None:
    made = fit_pooled(job(home), DATA.members, None)
    assert isinstance(made, Fitted)
    signature = Signature.from_json(made.signature)
    original = rival(home, "late-arrival/*@1", made.format, made.data, signature)
    found = optimise(job(home), DATA.members, original, None, order("distil"))
    assert found.fitted is not None and found.fitted.held_out == made.held_out
    assert found.fitted.signature == made.signature and len(found.fitted.importance) == 5


@pytest.mark.parametrize(("method", "scales"), [("quantise", "dynamic"), ("quantise-static", "static")])
def test_a_network_is_quantised(home: Path, method: Method, scales: str) -> None:
    rows: Block = some(0, 600)
    estimator = MLPClassifier((128, 64), max_iter=30, random_state=0, tol=1.0)
    estimator.fit(np.nan_to_num(rows.matrix), rows.labels)
    data = export(estimator, SIGNATURE, np.nan_to_num(rows.matrix[:10]))[1]
    blind = Memory({"x": some(0, 600)._replace(matrix=np.nan_to_num(rows.matrix))})
    wanted = Job(fleet(), SIGNATURE, blind, {}, str(home / "blobs"))
    found = optimise(wanted, blind.members, rival(home, "late-arrival/x@1", "onnx", data), None, order(method))
    assert found.fitted is not None and found.fitted.format == "onnx" and len(found.fitted.data) < len(data) / 2
    assert found.fitted.settings == {"weights": "int8", "scales": scales}


@cache
def network() -> tuple[Memory, bytes]:
    """A network whose layers are mostly of no use, and its rows, without missing values."""
    rows: Block = some(0, 900)
    blind = rows._replace(matrix=np.nan_to_num(rows.matrix))
    estimator = MLPClassifier((256, 64), max_iter=400, random_state=0, tol=3e-3, n_iter_no_change=3, alpha=3.0)
    estimator.fit(blind.matrix, blind.labels)
    return Memory({"x": blind}), export(estimator, SIGNATURE, blind.matrix[:10])[1]


def lighter(home: Path, wanted: Order, signature: Signature = SIGNATURE) -> tuple[Lighter, int]:
    """What comes of the network, and how many bytes it has."""
    data, model = network()
    asked, original = Job(fleet(), SIGNATURE, data, {}, str(home / "blobs")), rival(home, "x@1", "onnx", model)
    original = msgspec.structs.replace(original, signature=signature)
    return optimise(asked, data.members, original, None, wanted), len(model)


def test_the_smallest_weights_of_a_network_are_pruned(home: Path) -> None:
    found, size = lighter(home, order("prune-weights"))
    assert found.fitted is not None and found.reason == ""
    assert found.fitted.format == "onnx" and len(found.fitted.data) < size
    assert 0 < found.fitted.settings["weights"] < 0.4
    assert found.fitted.held_out < 900 / 8, "the newer half of the held-out rows judges"


def test_a_cascade_asks_the_large_model_where_the_small_one_is_unsure(home: Path) -> None:
    found, size = lighter(home, order("cascade", tolerance=0.01))
    assert found.fitted is not None, found.reason
    settings = found.fitted.settings
    assert found.fitted.format == "ensemble" and len(found.fitted.data) > size
    assert settings["trees"] == 5 and 0.1 < settings["exits"] < 1
    assert settings["low"] < 0.5 < settings["high"] and settings["low"] + settings["high"] == pytest.approx(1)
    assert {"latency_p50_ms", "size_kb", "log_loss"} <= found.before.keys()


def test_a_regression_is_never_sure(home: Path) -> None:
    found, _ = lighter(home, order("cascade"), msgspec.structs.replace(SIGNATURE, task="regression"))
    assert found.reason == "it gives values, and no answer of which it is sure" and "distil" in found.next


def test_why_a_method_does_not_apply(home: Path) -> None:
    original = trained(home)

    def why(method: Method, **fields: Any) -> str:
        found = optimise(job(home), DATA.members[:1], fields.get("original", original), None, order(method, 0.0, 900))
        assert found == Lighter(reason=found.reason, next=found.next) and found.next
        return found.reason

    assert why("prune-weights") == "it is in the format lightgbm, and prune-weights takes onnx"
    assert why("quantise") == "it is in the format lightgbm, and quantise takes onnx"
    assert "fewer than its 15 trees make log_loss worse" in why("prune")
    assert why("distil").startswith("it has ") and "would have" in why("distil")
    other = Signature((*SIGNATURE.features, Feature("wind", "number")), "binary", "late")
    elsewhere = Rival("late-arrival/x@1", "lightgbm", original.slot, other)
    assert why("prune", original=elsewhere) == "it needs wind, which the rows no longer have"


def test_few_rows_judge_nothing(home: Path) -> None:
    short = Memory({"x": some(0, 40)})
    wanted = Job(fleet(), SIGNATURE, short, {}, str(home / "blobs"))
    found = optimise(wanted, short.members, trained(home), None, order("distil"))
    assert "20 of each are needed" in found.reason
