from __future__ import annotations

from pathlib import Path

import numpy as np

from argosy.model.format import load
from argosy.model.signature import Signature
from argosy.training.fit import Job
from argosy.training.outcome import Fitted
from argosy.training.pool import extended, fit, gather
from argosy.training.rows import Block
from tests.training.sample import DAY, SIGNATURE, START, Memory, fleet, some


def job(data: Memory, **fields: object) -> Job:
    return Job(fleet(**fields), SIGNATURE, data, {}, str(Path.cwd()))


def test_the_pooled_model_learns_from_all_members_and_tells_them_apart() -> None:
    parts = {"x": some(0, 800, slope=0.0), "y": some(1, 800, slope=0.0)}
    parts["x"].labels[:] = np.random.default_rng(0).random(800) < 0.9
    parts["y"].labels[:] = np.random.default_rng(1).random(800) < 0.1
    data = Memory(parts)
    found = fit(job(data), data.members, None)
    assert isinstance(found, Fitted)
    signature = Signature.from_json(found.signature)
    assert signature.names == (*SIGNATURE.names, "airport")
    assert signature.features[-1].categories == ("x", "y")
    rows = np.array([[0, 0, 0, 0, 0.0], [0, 0, 0, 0, 1.0]])
    high, low = load(found.format, found.data).predict(rows)
    assert high > 0.7 and low < 0.3
    assert found.train_rows + found.held_out == 1600


def test_rows_held_out_of_a_member_are_held_out_of_the_pooled_model() -> None:
    old = some(1, 300, 30)
    data = Memory({"x": some(0, 400, 60), "y": old})
    train, held = gather(job(data), data.members, extended(job(data), data.members), 10**6)
    assert (len(train.labels), len(held.labels)) == (306 + 160, 94 + 140)
    assert (np.diff(train.times) >= 0).all() and (np.diff(held.times) >= 0).all()
    gone = held.matrix[held.matrix[:, 4] == 1.0]
    np.testing.assert_array_equal(np.sort(gone[:, 0]), np.sort(old.matrix[160:, 0]))


def test_above_the_limit_every_member_keeps_its_share_over_all_its_time() -> None:
    data = Memory({"x": some(0, 4000, 60), "y": some(1, 400, 60)})
    train, held = gather(job(data), data.members, SIGNATURE, 440)
    assert abs(len(train.labels) + len(held.labels) - 440) <= 2
    assert train.times[0] == START and held.times[-1] == START + 60 * DAY


def test_a_key_column_that_is_a_feature_already_is_not_added() -> None:
    data = Memory({"north": some(0), "south": some(1)})
    work = job(data, by=("place",))
    assert extended(work, data.members) is SIGNATURE
    train, _ = gather(work, data.members, SIGNATURE, 10**6)
    assert isinstance(train, Block) and train.matrix.shape[1] == 4
