"""A trusted estimator as a model: as wide, as exact and as well explained as any, and left in peace where it fails."""

from __future__ import annotations

import gc
import os
import threading
import time
from typing import Any

import numpy as np
import pytest

from argosy.errors import CorruptError, DeniedError, InputError
from argosy.model import ensemble
from argosy.model.format import load
from argosy.model.matrix import Matrix
from argosy.model.trusted import content
from argosy.model.trusted.model import Trusted
from argosy.model.trusted.process import Ended, Process
from tests.model.trusted.conftest import Own, does


def test_it_answers_as_the_estimator_does_for_values_in_float32(own: Own) -> None:
    model = load("pickle", own.data)
    rows = own.matrix + 1e-12
    np.testing.assert_array_equal(model.predict(rows), own.estimator.predict_proba(own.matrix)[:, 1])
    assert model.features == 4 and model.space == "log_odds" and model.bytes_in_memory > len(own.data)
    assert model.predict(rows[:0]).shape == (0,)
    with pytest.raises(InputError, match=r"the model takes \(rows, 4\)"):
        model.predict(rows[:, :3])


def test_what_moves_its_answers_sums_to_them(own: Own) -> None:
    model = load("pickle", own.data)
    told = model.explain(own.matrix[:3])
    chance = np.clip(model.predict(own.matrix[:3]), 1e-7, 1 - 1e-7)
    np.testing.assert_allclose(told.sum(axis=1), np.log(chance / (1 - chance)), atol=1e-6)


def test_it_is_refused_where_no_code_is_run(own: Own) -> None:
    blend = ensemble.pack(ensemble.Blend((0.5, 0.5)), [("pickle", own.data)] * 2)
    for format, data in (("pickle", own.data), ("ensemble", blend)):
        with pytest.raises(DeniedError, match="a pickle holds code"):
            load(format, data, trusted=False)
    model = load("ensemble", blend)
    assert model.apart  # type: ignore[attr-defined]
    np.testing.assert_allclose(
        model.predict(own.matrix[10:20]), load("pickle", own.data).predict(own.matrix[10:20]), atol=2e-7
    )


def test_what_is_none_is_told() -> None:
    with pytest.raises(CorruptError, match="no trusted estimator"):
        load("pickle", b"argosy pickle 1\n\x80")


def test_one_that_ends_its_process_rests_longer_each_time(process: Process) -> None:
    moment = 0.0
    model = Trusted(does(lambda rows: os._exit(1) if rows[0, 0] else np.ones(len(rows))), process, lambda: moment)
    good, bad = np.zeros((1, 4)), np.ones((1, 4))
    for rest in (5.0, 10.0, 20.0):
        with pytest.raises(Ended, match="exit code 1"):
            model.predict(bad)
        turn = process.turn
        moment += rest - 0.5
        with pytest.raises(Ended, match="rests for"):
            model.predict(good)
        assert process.turn == turn
        moment += 1.0
    assert model.predict(good).tolist() == [1.0]
    with pytest.raises(Ended, match="exit code 1"):
        model.predict(bad)
    moment += 5.5
    assert model.predict(good).tolist() == [1.0]


def test_those_that_wait_for_one_that_hangs_do_not_hang_in_their_turn(process: Process) -> None:
    def hangs(rows: Matrix) -> None:
        while True:
            pass

    model, says = Trusted(does(hangs), process), list[str]()

    def ask() -> None:
        with pytest.raises(Ended) as caught:
            model.predict(np.zeros((1, 4)))
        says.append(caught.value.message)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    began, turn = time.monotonic(), process.turn
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert time.monotonic() - began < 4 and process.turn == turn
    assert sorted("rests for" in each for each in says) == [False] + [True] * 7
    assert all("it took too long" in each for each in says)


class _Slays:
    """A pickle that ends whatever process loads it."""

    def __reduce__(self) -> Any:
        return os._exit, (3,)


def test_one_that_ends_its_process_when_it_is_loaded_rests_too(process: Process) -> None:
    moment = 0.0
    model = Trusted(content.pack(_Slays(), 4, "regression", np.zeros((1, 4))), process, lambda: moment)
    for rest in (5.0, 10.0):
        turn = process.turn
        with pytest.raises(Ended, match=r"exit code 3.*rests for"):
            model.predict(np.zeros((1, 4)))
        assert process.turn == turn
        moment += rest + 0.5
        with pytest.raises(Ended, match="exit code 3"):
            model.predict(np.zeros((1, 4)))


def test_one_that_is_given_up_is_dropped(process: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    dropped: list[int] = []
    monkeypatch.setattr(process, "drop", dropped.append)
    model = Trusted(does(lambda rows: np.ones(len(rows))), process)
    assert dropped == []
    del model
    gc.collect()
    assert len(dropped) == 1
