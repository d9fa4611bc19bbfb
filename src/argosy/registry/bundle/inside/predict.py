"""Predictions of a model, or of a fleet of them, by onnxruntime and NumPy alone.

    predict([{"distance": 120.5, "carrier": "AA"}])        a number for each row
    answer([{"distance": 120.5, "carrier": "AA"}])         the same with its bounds and quantiles, where there are some

On a command line, with the name of this directory or of the installed package for PACKAGE:

    python -m PACKAGE rows.json      a JSON list of objects; - or nothing reads them from the standard input
    python -m PACKAGE --self-test    whether all files are as they were packed, and predictions too
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

FAILED, USAGE = 1, 2
PREDICTION, _MEDIAN = "prediction", "q50"
_NAN = float("nan")
_CERTAIN = 1e-7
_QUIET = 4
_TYPES = {"tensor(float)": np.float32, "tensor(double)": np.float64}


Matrix = npt.NDArray[np.float64]
Columns = dict[str, list[float | None]]


class _Graph:
    """An ONNX graph that gives a number a row."""

    def __init__(self, path: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = _QUIET
        self._session = onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
        (matrix,) = self._session.get_inputs()
        self._input, self._dtype = matrix.name, _TYPES[matrix.type]

    def predict(self, matrix: Matrix) -> Matrix:
        """One number a row of the inputs as numbers."""
        with np.errstate(over="ignore"):
            (found,) = self._session.run(None, {self._input: matrix.astype(self._dtype)})
        return np.asarray(found, dtype=np.float64)


class _Ensemble:
    """Several graphs, or ensembles, that answer by a rule: as a blend, in a cascade, or one for each quantile."""

    def __init__(self, told: Mapping[str, Any], folder: Path) -> None:
        self._told = told
        self._parts = [_built(each, folder) for each in told["parts"]]

    def predict(self, matrix: Matrix) -> Matrix:
        """One number a row of the inputs as numbers."""
        told = self._told
        if told["rule"] == "quantiles":
            return self.quantiles(matrix)[:, told["middle"]]
        if told["rule"] == "blend":
            answers, weights = self._answers(matrix), np.array(told["weights"])
            if told["space"] == "value":
                return np.asarray(weights @ answers)
            bounded = np.clip(answers, _CERTAIN, 1.0 - _CERTAIN)
            odds = weights @ np.asarray(np.log(bounded) - np.log1p(-bounded))
            return np.asarray(1.0 / (1.0 + np.exp(-odds)))
        first, second = self._parts
        found = first.predict(matrix)
        unsure = (found > told["low"]) & (found < told["high"])
        if unsure.any():
            found[unsure] = second.predict(matrix[unsure])
        return found

    def quantiles(self, matrix: Matrix) -> Matrix:
        """The quantiles of each row in ascending order: rows x levels. Where there are some."""
        return np.sort(self._answers(matrix).T, axis=1)

    def _answers(self, matrix: Matrix) -> Matrix:
        return np.array([part.predict(matrix) for part in self._parts])


def _built(told: Any, folder: Path) -> _Graph | _Ensemble:
    """The model that the schema tells of: the name of a graph's file, or a rule and its parts."""
    return _Graph(folder / told) if isinstance(told, str) else _Ensemble(told, folder)


class _Answering:
    """What answers rows: `columns` are their names with a value a row, and `names` those that there may be."""

    names: list[str]

    def columns(self, rows: Iterable[Mapping[str, Any]]) -> Columns:
        """The prediction of each row, and where the model has them its bounds and its quantiles, by name.

        A row has every input of the schema; None stands for a missing value, and a category that is not in the schema
        counts as missing. Other entries are left alone. Raises ValueError that names the input and the row.
        """
        raise NotImplementedError

    def predict(self, rows: Iterable[Mapping[str, Any]]) -> list[float]:
        """One number a row: the probability of the label, or its value, as `output` in the schema says."""
        return [_NAN if value is None else value for value in self.columns(rows)[PREDICTION]]

    def answer(self, rows: Iterable[Mapping[str, Any]]) -> list[dict[str, float | None]]:
        """The same with all that `columns` has, as an object a row."""
        found = self.columns(rows)
        return [dict(zip(found, values, strict=True)) for values in zip(*found.values(), strict=True)]


class Model(_Answering):
    """The model in a directory, ready to predict. Threads may share it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.schema: dict[str, Any] = _read(folder / "schema.json")
        self.names = self.schema["output"]["columns"]
        self._model = _built(self.schema["model"], folder)
        self._codes = {
            each["name"]: {text: float(code) for code, text in enumerate(each["categories"])}
            for each in self.schema["inputs"]
            if each["kind"] == "category"
        }

    def columns(self, rows: Iterable[Mapping[str, Any]], places: Iterable[int] | None = None) -> Columns:
        """See `_Answering.columns`; a row is named by its place among `places` (default: 1, 2, and so on)."""
        matrix = self.encode(rows, places)
        found = self.measure(matrix) if len(matrix) else {}
        return {name: found[name].tolist() if found else [] for name in self.names}

    def measure(self, matrix: Matrix) -> dict[str, Matrix]:
        """The columns of rows that are numbers already, in the order of the inputs."""
        output, found = self.schema["output"], dict[str, Matrix]()
        levels = output.get("quantiles", [])
        if levels and isinstance(self._model, _Ensemble):
            found = dict(zip(levels, self._model.quantiles(matrix).T, strict=True))
        found[PREDICTION] = found[_MEDIAN] if found else self._model.predict(matrix)
        if "margin" in output:
            found["lower"] = found[PREDICTION] - output["margin"]
            found["upper"] = found[PREDICTION] + output["margin"]
        return found

    def encode(
        self, rows: Iterable[Mapping[str, Any]], places: Iterable[int] | None = None
    ) -> Matrix:  # fmt: skip
        """The numbers that the model takes, rows x inputs."""
        values = [self._encoded(row, place) for row, place in zip(rows, places or count(1), strict=False)]
        return np.array(values, dtype=np.float64).reshape(len(values), len(self.schema["inputs"]))

    def check(self) -> tuple[int, float]:
        """How many rows were packed, and how far answers of here are from theirs at most; ValueError if too far."""
        packed = _read(self._folder / "selftest.json")
        found, wanted = self.columns(packed["rows"]), packed["answers"]
        far = [np.max(np.abs(np.array(found[name]) - np.array(wanted[name])), initial=0.0) for name in self.names]
        difference = float(np.max(far))
        if not difference <= packed["tolerance"]:
            of = f"of {self.schema['version']}"
            raise ValueError(f"predictions {of} differ by {difference:g}, tolerance {packed['tolerance']:g}")
        return len(packed["rows"]), difference

    def _encoded(self, row: Mapping[str, Any], place: int) -> list[float]:
        _object(row, place)
        return [self._value(each, row, place) for each in self.schema["inputs"]]

    def _value(self, each: Mapping[str, Any], row: Mapping[str, Any], place: int) -> float:
        name, kind = each["name"], each["kind"]
        if name not in row:
            raise ValueError(f"row {place} has no {name!r}; null stands for a missing value")
        value = row[name]
        if value is None:
            return _NAN
        if kind == "category":
            if isinstance(value, (str, bool, np.bool_, int, np.integer)):
                return self._codes[name].get(_text(value), _NAN)
        elif isinstance(value, (bool, np.bool_)):
            return float(value)
        elif kind == "number" and isinstance(value, (int, float, Decimal, np.integer, np.floating)):
            try:
                return float(value)
            except (OverflowError, ValueError):  # a signaling NaN is a value too
                raise ValueError(f"row {place}: {name!r} is beyond what a float64 holds") from None
        raise ValueError(f"row {place}: {name!r} is {type(value).__name__}, wanted a {kind}")


class Fleet(_Answering):
    """The models of a fleet in a directory: a row is for the one of its key, or for the pooled one.

    A model is loaded when it is first asked, and stays. Threads may share it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        known = _read(folder / "fleet.json")
        self.by: list[str] = known["by"]
        self.names = known["columns"]
        self._members: dict[tuple[str, ...], str] = {tuple(each["key"]): each["model"] for each in known["members"]}
        self._pooled: str | None = known["pooled"]
        self._models: dict[str, Model] = {}

    def columns(self, rows: Iterable[Mapping[str, Any]]) -> Columns:
        """See `_Answering.columns`; what a row's own model does not have is None. A key without a model is an error."""
        given = list(rows)
        places: dict[str, list[int]] = {}
        for place, row in enumerate(given):
            places.setdefault(self._route(row, place + 1), []).append(place)
        answers: Columns = {name: [None] * len(given) for name in self.names}
        for name, some in places.items():
            found = self._model(name).columns([given[place] for place in some], [place + 1 for place in some])
            for column, values in found.items():
                for place, value in zip(some, values, strict=True):
                    answers[column][place] = value
        return answers

    def check(self) -> tuple[int, float]:
        """As `Model.check`, of every model."""
        names = sorted({*self._members.values(), *filter(None, [self._pooled])})
        found = [self._model(name).check() for name in names]
        return sum(count for count, _ in found), max((far for _, far in found), default=0.0)

    def _model(self, name: str) -> Model:
        if name not in self._models:
            self._models[name] = Model(self._folder / name)
        return self._models[name]

    def _route(self, row: Mapping[str, Any], place: int) -> str:
        _object(row, place)
        for name in self.by:
            if not isinstance(row.get(name), (str, bool, np.bool_, int, np.integer)):
                raise ValueError(f"row {place} has no key {name!r}: a text, a whole number or a boolean")
        key = tuple(_text(row[name]) for name in self.by)
        found = self._members.get(key, self._pooled)
        if found is None:
            named = ", ".join(f"{name}={value!r}" for name, value in zip(self.by, key, strict=True))
            raise ValueError(f"row {place}: no model is for {named}, and no pooled one stands behind")
        return found


def load(folder: Path) -> Model | Fleet:
    """What predicts in a directory."""
    return Fleet(folder) if (folder / "fleet.json").is_file() else Model(folder)


def check(folder: Path) -> str:
    """What in a directory was found to be as it was packed, in words. Raises ValueError that names what is not."""
    for name, digest in _read(folder / "MANIFEST.json")["files"].items():
        path = folder / name
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            raise ValueError(f"{name} is not the file that was packed")
    tested, difference = load(folder).check()
    return f"{tested} predictions are as packed, largest difference {difference:g}"


@cache
def _own() -> Model | Fleet:
    return load(Path(__file__).parent)


def predict(rows: Iterable[Mapping[str, Any]]) -> list[float]:
    """One number a row, by what lies beside this file; rows are as `Model.columns` takes them."""
    return _own().predict(rows)


def answer(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, float | None]]:
    """An object a row with its `prediction`, and where the model has them its bounds and its quantiles, by name."""
    return _own().answer(rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code: 0 done, 1 the self-test failed, 2 used wrongly or wrong rows."""
    parser = argparse.ArgumentParser(prog="python -m PACKAGE", description="Predict rows by the model in this package.")
    parser.add_argument("rows", nargs="?", default="-", help="a file with a JSON list of objects; - is standard input")
    parser.add_argument("--self-test", action="store_true", help="check files and predictions against those packed")
    given = parser.parse_args(arguments)
    try:
        if given.self_test:
            print(check(Path(__file__).parent))  # noqa: T201 - a command line prints
            return 0
        said = predict if _own().names == [PREDICTION] else answer
        print(json.dumps(said(_rows(given.rows))))  # noqa: T201 - a command line prints
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 - a command line prints
        return FAILED if given.self_test else USAGE
    return 0


def _rows(place: str) -> list[Any]:
    """The rows of a file, or of standard input. Raises ValueError that says what they are not, OSError."""
    try:
        rows = json.load(sys.stdin) if place == "-" else _read(Path(place))
    except ValueError as error:
        raise ValueError(f"the rows are no JSON: {error}") from error
    if not isinstance(rows, list):
        raise ValueError("the rows are no JSON list of objects")
    return rows


def _object(row: object, place: int) -> None:
    if not isinstance(row, Mapping):
        raise ValueError(f"row {place} is {type(row).__name__}, wanted an object with a value for each input")


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    return str(int(value))  # type: ignore[call-overload]


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
