"""What is kept of a trusted estimator: whole by itself, and read without being unpickled."""

from __future__ import annotations

import pickle
import platform
import subprocess
import sys
import threading

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import Ridge

from argosy.errors import CorruptError, DeclarationError
from argosy.model.trusted import content
from tests.model.trusted.conftest import Does, Own

_ASKS = """
import pickle, sys
import numpy as np
from argosy.model.trusted.content import unpack
data = open(sys.argv[1], "rb").read()
print(pickle.loads(unpack(data).pickle).predict_proba(np.ones((2, 4)))[:, 1].tolist())
"""


def test_what_is_defined_in_the_project_travels_within(own: Own, tmp_path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "model").write_bytes(own.data)
    command = [sys.executable, "-c", _ASKS, str(tmp_path / "model")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=True)
    assert done.stdout.strip() == str(own.estimator.predict_proba(np.ones((2, 4)))[:, 1].tolist())


def test_it_says_what_it_was_made_with(own: Own) -> None:
    found = content.unpack(own.data)
    assert (found.features, found.task) == (4, "binary")
    assert found.python == ".".join(platform.python_version_tuple()[:2]) and "sklearn" in found.libraries
    np.testing.assert_array_equal(np.frombuffer(found.background, "<f4").reshape(-1, 4), own.matrix[:8])
    assert content.misfit(found) == ""
    older = msgspec.structs.replace(found, python="3.9")
    assert content.misfit(older) == f"it was pickled by Python 3.9, and this is {found.python}"


def test_libraries_travel_by_name() -> None:
    data = content.pack(Ridge().fit(np.eye(3), np.arange(3.0)), 3, "regression", np.zeros((1, 3)))
    assert len(content.unpack(data).pickle) < 2_000
    assert content.pack(Ridge().fit(np.eye(3), np.arange(3.0)), 3, "regression", np.zeros((1, 3))) == data


def test_what_cannot_be_pickled_is_refused() -> None:
    with pytest.raises(DeclarationError, match=r"Does cannot be pickled \(TypeError: cannot pickle '_thread.lock'"):
        content.pack(Does(threading.Lock()), 4, "regression", np.zeros((1, 4)))  # type: ignore[arg-type]


@given(st.binary(max_size=200), st.integers(0, 400))
def test_no_other_bytes_are_taken(data: bytes, place: int) -> None:
    whole = content.pack(Does(len), 4, "regression", np.zeros((1, 4)))
    for wrong in (data, pickle.dumps(data), whole[: place % len(whole)]):
        with pytest.raises(CorruptError, match="no trusted estimator"):
            content.unpack(wrong)
