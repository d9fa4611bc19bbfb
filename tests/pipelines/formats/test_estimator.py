"""Estimators: predictions to the last bit, the same bytes in every process, and no name that is not allowed."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    AdaBoostClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
    StackingClassifier,
)  # fmt: skip
from sklearn.feature_selection import SelectKBest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    OneHotEncoder,
    SplineTransformer,
    StandardScaler,
)
from sklearn.svm import SVC
from xgboost import XGBClassifier, XGBRegressor

from argosy.errors import CorruptError, InputError
from argosy.pipelines.format import find
from argosy.pipelines.formats import estimator
from tests.pipelines.formats.project_estimator import Clip, halved
from tests.pipelines.trip import Trip

ROWS = np.random.default_rng(0).random((120, 4))
LABELS = (ROWS[:, 0] > 0.5).astype(int)

MODELS = [
    LogisticRegression(), Ridge(), GaussianNB(), SVC(), KNeighborsClassifier(), IsolationForest(n_estimators=5),
    RandomForestClassifier(5, random_state=0), GradientBoostingRegressor(n_estimators=5),
    HistGradientBoostingClassifier(max_iter=5), AdaBoostClassifier(n_estimators=3),
    GaussianProcessRegressor(optimizer=None), MLPClassifier(max_iter=2000, tol=1e-2),
    CalibratedClassifierCV(GaussianNB(), cv=2), StackingClassifier([("nb", GaussianNB())], cv=2),
    LGBMClassifier(n_estimators=5, verbose=-1, n_jobs=1), LGBMRegressor(n_estimators=5, verbose=-1, n_jobs=1),
    XGBClassifier(n_estimators=5, n_jobs=1), make_pipeline(StandardScaler(), XGBRegressor(n_estimators=5, n_jobs=1)),
    make_pipeline(SimpleImputer(), StandardScaler(), SelectKBest(k=2), LogisticRegression()),
    make_pipeline(SplineTransformer(), Ridge()),
    make_pipeline(KBinsDiscretizer(3, quantile_method="averaged_inverted_cdf"), LogisticRegression()),
    make_pipeline(ColumnTransformer([("hot", OneHotEncoder(handle_unknown="ignore"), [0])]), LogisticRegression()),
    make_pipeline(StandardScaler(), LGBMClassifier(n_estimators=5, verbose=-1, n_jobs=1)),
    make_pipeline(Clip(), FunctionTransformer(np.log1p), FunctionTransformer(halved), LogisticRegression()),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_an_estimator_answers_the_same(trip: Trip, model: Any) -> None:
    model.fit(ROWS, LABELS)
    name, saved = trip.save(model)
    back = trip.load(name, saved)
    assert (name, type(back)) == ("model", type(model))
    assert trip.save(back) == (name, saved)
    for answer in ("predict", "predict_proba", "decision_function"):
        if hasattr(model, answer):
            np.testing.assert_array_equal(getattr(back, answer)(ROWS), getattr(model, answer)(ROWS))


@pytest.mark.slow
def test_bytes_are_the_same_in_every_process() -> None:
    program = (
        "import hashlib, numpy as np\n"
        "from argosy.pipelines.formats import estimator\n"
        "from sklearn.ensemble import RandomForestClassifier\n"
        "from sklearn.feature_extraction.text import CountVectorizer\n"
        "rows = np.random.default_rng(0).random((200, 4))\n"
        "forest = RandomForestClassifier(5, random_state=0).fit(rows, rows[:, 0] > 0.5)\n"
        "words = CountVectorizer(stop_words=['and', 'or']).fit(['one two', 'two three'])\n"
        "print([hashlib.sha256(estimator.dump(each)).hexdigest() for each in (forest, words)])"
    )
    told = {
        subprocess.run([sys.executable, "-c", program], env={**os.environ, "PYTHONHASHSEED": seed}, check=True,
                       capture_output=True, text=True).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(told) == 1


def test_what_it_holds_besides_is_named(trip: Trip) -> None:
    for model, message in (
        (FunctionTransformer(os.getcwd), "holds .*getcwd"),
        (FunctionTransformer(lambda rows: rows), "has no format|holds"),
        (LogisticRegression(C=Path("x")), "holds|has no format"),
    ):
        with pytest.raises(InputError, match=message) as caught:
            trip.save(model)
        assert "ag.format" in caught.value.next


def changed(data: bytes, edit: Any = None, compress: int = zipfile.ZIP_STORED) -> bytes:
    """A saved estimator with another schema."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as given, zipfile.ZipFile(out, "w", compress) as made:
        for name in given.namelist():
            content = given.read(name)
            made.writestr(name, edit(content.decode()) if edit and name == "schema.json" else content)
    return out.getvalue()


def node(loader: str, module: str, name: str, **more: Any) -> str:
    return json.dumps({"__class__": name, "__module__": module, "__loader__": loader, **more})


TUPLE = {"__class__": "tuple", "__module__": "builtins", "__loader__": "TupleNode", "content": []}


@pytest.mark.parametrize(
    ("loader", "module", "name"),
    [
        ("FunctionNode", "os", "system"),
        ("TypeNode", "subprocess", "Popen"),
        ("ConstructorFromReduceNode", "numpy", "memmap"),
        ("ConstructorFromReduceNode", "scipy.io", "netcdf_file"),
        ("FunctionNode", "sklearn.datasets", "fetch_openml"),
        ("FunctionNode", "sklearn.utils", "os"),
        ("FunctionNode", "sklearn.externals", "os"),
        ("FunctionNode", "numpy", "load"),
        ("FunctionNode", "builtins", "eval"),
        ("FunctionNode", "argosy.cli", "main"),
        ("FunctionNode", "tests.pipelines.formats.project_estimator", "np"),
        ("FunctionNode", "never.imported", "thing"),
    ],
)
def test_a_hostile_file_is_refused(loader: str, module: str, name: str) -> None:
    data = estimator.dump(FunctionTransformer(np.log1p).fit(ROWS))
    target = node(loader, module, name, content=TUPLE)
    log = json.dumps(json.loads(schema(data))["content"]["content"]["func"])
    hostile = changed(data, lambda text: text.replace(log, target))
    assert hostile != data
    with pytest.raises(CorruptError, match=f"it holds .*{name}"):
        estimator.load(hostile)


def schema(data: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(data)) as given:
        return given.read("schema.json").decode()


def test_a_module_is_not_imported_because_a_file_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "trap.py").write_text("raise SystemExit('imported')\ndef f(): ...\n")
    monkeypatch.syspath_prepend(tmp_path)
    data = estimator.dump(FunctionTransformer(halved).fit(ROWS))
    hostile = changed(data, lambda text: text.replace("tests.pipelines.formats.project_estimator", "trap"))
    with pytest.raises(CorruptError, match="it holds"):
        estimator.load(hostile)


@pytest.mark.fault
def test_damaged_bytes_are_told() -> None:
    data = estimator.dump(LogisticRegression().fit(ROWS, LABELS))
    damaged = [
        data[: len(data) // 2], b"PK\x03\x04", changed(data, compress=zipfile.ZIP_DEFLATED),
        changed(data, lambda text: text.replace('"protocol"', '"protokoll"')), changed(data, lambda text: "{}"),
        changed(data, lambda text: text[:100]), changed(data, lambda text: text.replace(".npy", ".npz")),
    ]  # fmt: skip
    for each in damaged:
        with pytest.raises(CorruptError, match="no estimator that may be loaded"):
            estimator.load(each)


def test_a_preview_shows_the_parameters() -> None:
    model = LogisticRegression(C=0.5)
    shown = find(model).preview(model)
    assert shown is not None
    assert shown["type"] == "sklearn.linear_model._logistic.LogisticRegression"
    assert shown["parameters"]["C"] == "0.5"
    assert hashlib.sha256(estimator.dump(model)).hexdigest()
