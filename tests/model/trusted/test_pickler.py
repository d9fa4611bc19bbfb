"""What a project defines travels within a pickle, however its modules are put together, and is always the same."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from argosy.errors import ArgosyError
from argosy.model.trusted import content
from argosy.model.trusted.process import Process

PROJECT = {
    "__init__": "from wharf import crane, rope\nimport wharf.load.weight\n",
    "rope": """
import enum, functools, threading
import wharf.crane

LOCK = threading.Lock()
SCALE = 2.0

class Knot(enum.Enum):
    REEF = 1
    BOWLINE = 2

@functools.lru_cache(maxsize=None)
def strength(strands):
    return 1.0 if strands == 0 else 2.0 * strength(strands - 1)

def locked():
    with LOCK:
        return 1.0

def scaled(rows):
    return rows * wharf.crane.FACTOR * SCALE * strength(2)
""",
    "load/__init__": "",
    "load/weight": "import wharf\nfrom .. import rope\n\ndef weight(rows):\n    return rope.scaled(rows)\n",
    "crane": """
import collections, dataclasses
import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
import wharf
from wharf import rope
from wharf.rope import Knot, strength
from wharf.load import weight

FACTOR = 0.25
Place = collections.namedtuple("Place", "row stack")

@dataclasses.dataclass(frozen=True)
class State:
    mean: float
    knots: list = dataclasses.field(default_factory=list)

class Plain(RegressorMixin, BaseEstimator):
    seen = []

    def fit(self, rows, labels):
        self.state_, self.place_ = State(float(labels.mean()), [Knot.REEF]), Place(1, 2)
        self.random_ = np.random.RandomState(3)
        self.shift_ = lambda found: found + self.state_.mean
        return self

    def predict(self, rows):
        assert self.state_.knots == [Knot.REEF] and self.place_.stack == 2 and strength(1) == 2.0
        self.seen.append(len(rows))
        return self.shift_(rows[:, 0]) + len(self.seen)

class ByModule(Plain):
    def predict(self, rows):
        return rope.scaled(rows)[:, 0] + super().predict(rows)

class ByPackage(Plain):
    def predict(self, rows):
        return wharf.load.weight.weight(rows)[:, 0]

class Random(Plain):
    def predict(self, rows):
        return self.random_.normal(size=len(rows))

class Late(Plain):
    def predict(self, rows):
        from wharf import rope
        return rope.scaled(rows)[:, 0]

class Locked(Plain):
    def predict(self, rows):
        return rope.locked() + rows[:, 0]
""",
}
PACKS = """
import sys
sys.path.insert(0, sys.argv[1])
import numpy as np, wharf
from argosy.model.trusted import content
rows = np.arange(40.0).reshape(10, 4)
for name in sys.argv[3:]:
    estimator = getattr(wharf.crane, name)().fit(rows, rows[:, 0])
    with open(f"{sys.argv[2]}/{name}", "wb") as file:
        file.write(content.pack(estimator, 4, "regression", rows[:2]))
    if name != "Late":
        np.save(f"{sys.argv[2]}/{name}.npy", estimator.predict(rows))
"""
ROWS = np.arange(40.0).reshape(10, 4)
NAMES = ("Plain", "ByModule", "ByPackage", "Random", "Late", "Locked")


def packed(place: Path) -> Path:
    """Pickles of the project's estimators, fitted by a process of their own in a directory, and their answers."""
    for name, text in PROJECT.items():
        file = place / "project" / "wharf" / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    subprocess.run([sys.executable, "-c", PACKS, str(place / "project"), str(place), *NAMES], check=True)
    return place


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return packed(tmp_path_factory.mktemp("made"))


@pytest.fixture(scope="module")
def loads() -> Iterator[Process]:
    process = Process()
    yield process
    process.end()


@pytest.mark.parametrize("name", ["Plain", "ByModule", "ByPackage", "Random"])
def test_a_package_whose_modules_import_each_other_answers_where_it_is_not(
    name: str, made: Path, loads: Process
) -> None:  # fmt: skip
    turn = loads.load(1, data := (made / name).read_bytes())
    found, _ = loads.answer(1, data, turn, ROWS)
    np.testing.assert_array_equal(found, np.load(made / f"{name}.npy"))


def test_what_is_imported_late_is_missed_and_the_way_out_is_told(made: Path, loads: Process) -> None:
    turn = loads.load(2, data := (made / "Late").read_bytes())
    with pytest.raises(ArgosyError, match="No module named 'wharf'") as caught:
        loads.answer(2, data, turn, ROWS)
    assert "at the top of its modules" in str(caught.value.next)


def test_what_a_module_cannot_give_along_is_missed_by_who_uses_it(made: Path, loads: Process) -> None:
    """A lock in a module is nobody's concern but of the function that takes it."""
    turn = loads.load(3, data := (made / "Locked").read_bytes())
    with pytest.raises(ArgosyError, match=r"module 'wharf\.rope' has no attribute 'locked'"):
        loads.answer(3, data, turn, ROWS)


def test_the_same_estimator_is_the_same_bytes_wherever_it_was_fitted(made: Path, tmp_path: Path) -> None:
    again = packed(tmp_path)
    for name in NAMES:
        data = (made / name).read_bytes()
        assert data == (again / name).read_bytes() and str(made).encode() not in data
        assert content.unpack(data).pickle


def test_what_one_pickle_does_to_its_class_is_not_seen_by_another(made: Path, loads: Process) -> None:
    data = (made / "Plain").read_bytes()
    turns = {id: loads.load(id, data) for id in (4, 5)}
    first, second = (loads.answer(id, data, turn, ROWS)[0].tolist() for id, turn in turns.items())
    assert first == second == np.load(made / "Plain.npy").tolist()  # each is asked for the first time
