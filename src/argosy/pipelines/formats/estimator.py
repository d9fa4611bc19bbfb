"""Fitted scikit-learn estimators as skops files: their attributes and the names of their classes, never code.

Names are looked up on load, so only those of an allow-list may occur: classes of scikit-learn, LightGBM and XGBoost,
what numpy and scipy hold numbers in, functions of scikit-learn that only compute, and what the project defines itself,
if it has been imported: its code runs in the worker anyway.
"""

from __future__ import annotations

import hashlib
import io
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from argosy.errors import CorruptError, InputError
from argosy.spec.tree import is_installed

_SCHEMA = "schema.json"
_ADDRESS = "_stop_words_id"  # of vectorizers of text: where their stop words were in memory when they were checked
_NAMES = {
    "collections.OrderedDict", "collections.defaultdict", "lightgbm.basic.Booster",
    *(f"lightgbm.sklearn.{kind}" for kind in ("LGBMClassifier", "LGBMModel", "LGBMRanker", "LGBMRegressor")),
    "numpy.dtype", "numpy.max", "numpy.mean", "numpy.median", "numpy.min",
    "scipy._lib.array_api_compat.numpy._aliases.asarray", "scipy.interpolate._bsplines.BSpline",
    "xgboost.core.Booster",
    *(f"xgboost.sklearn.XGB{kind}" for kind in ("Classifier", "Model", "RFClassifier", "RFRegressor", "Ranker",
                                                "Regressor")),
}  # fmt: skip
_COMPUTING = ("sklearn.cluster._kmeans", "sklearn.feature_selection.", "sklearn.metrics.")
_OUTSIDE = (".externals.", ".tests.", "._testing.", ".datasets.")


def dump(estimator: Any) -> bytes:
    """The estimator's bytes, the same in every process. Raises `InputError` where one of its types is not allowed."""
    from skops import io as skops  # imports all of scikit-learn, which only steps that give or take an estimator need
    from skops.io.exceptions import UnsupportedTypeException

    kind = type(estimator).__name__
    try:
        data = skops.dumps(estimator)
    except (UnsupportedTypeException, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"an estimator {kind} has no format: {error}", next=_INSTEAD) from error
    if unknown := _unknown(skops.get_untrusted_types(data=data)):
        raise InputError(f"an estimator {kind} holds {unknown}, which would not be loaded again", next=_INSTEAD)
    return _canonical(data)


def load(data: bytes) -> Any:
    """The estimator. Raises `CorruptError` for names that are not allowed, and for what `dump` does not write."""
    from skops import io as skops

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            packed = any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist())
        names = [] if packed else skops.get_untrusted_types(data=data)
    except Exception as error:  # whatever reading a file of any content may raise
        raise _corrupt(str(error)) from error
    unknown = _unknown(names)
    if packed or unknown:
        raise _corrupt(f"it holds {unknown}" if unknown else "it is compressed")
    try:
        return skops.loads(data, trusted=names)
    except Exception as error:  # the same, of the classes that are built
        raise _corrupt(str(error)) from error


def _unknown(names: list[str]) -> str:
    """Those names that are not allowed, as a text."""
    return ", ".join(sorted(name for name in names if name not in _NAMES and not _allowed(name))[:5])


def _allowed(name: str) -> bool:
    module, _, attribute = name.rpartition(".")
    if name.startswith("sklearn.") and not any(part in f"{name}." for part in _OUTSIDE):
        found = _find(module, attribute, fresh=True)
        return isinstance(found, type) or (callable(found) and name.startswith(_COMPUTING))
    return _is_own(module) and callable(_find(module, attribute))


def _find(module: str, attribute: str, *, fresh: bool = False) -> Any:
    """What a module itself defines under a name; None where it defines nothing, or was not imported."""
    if fresh and module not in sys.modules:
        import importlib

        try:
            importlib.import_module(module)
        except ImportError:
            return None
    found = getattr(sys.modules.get(module), attribute, None)
    return found if getattr(found, "__module__", None) == module else None


def _is_own(module: str) -> bool:
    """Whether a module that has been imported is the project's."""
    path = getattr(sys.modules.get(module), "__file__", None)
    return path is not None and module.partition(".")[0] not in ("__main__", "argosy") and not is_installed(Path(path))


def _canonical(data: bytes) -> bytes:
    """The file without what differs by process: addresses, names, times, gaps in records, order of sets."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as given, zipfile.ZipFile(out, "w") as made:
        names, contents = {}, {}
        for old in given.namelist():
            if old != _SCHEMA:
                content = _filled(given.read(old)) if old.endswith(".npy") else given.read(old)
                names[old] = f"{hashlib.sha256(content).hexdigest()[:32]}{Path(old).suffix}"
                contents[names[old]] = content
        for name in sorted(contents):
            made.writestr(zipfile.ZipInfo(name), contents[name])
        schema = _settled(json.loads(given.read(_SCHEMA)), names)
        made.writestr(zipfile.ZipInfo(_SCHEMA), json.dumps(schema))
    return out.getvalue()


def _filled(data: bytes) -> bytes:
    """A NumPy file with zeros between the fields of its records, where trees have what was in memory before them."""
    array = np.load(io.BytesIO(data), allow_pickle=False)
    if not array.dtype.names:
        return data
    made, out = np.zeros(array.shape, array.dtype), io.BytesIO()
    for name in array.dtype.names:
        made[name] = array[name]
    np.save(out, made, allow_pickle=False)
    return out.getvalue()


def _settled(node: Any, names: dict[str, str]) -> Any:
    if isinstance(node, list):
        return [_settled(item, names) for item in node]
    if not isinstance(node, dict):
        return node
    settled = {key: _settled(item, names) for key, item in node.items() if key != "__id__"}
    if _ADDRESS in settled:
        settled[_ADDRESS]["content"] = "null"
    if settled.get("__loader__") == "SetNode":
        settled["content"].sort(key=json.dumps)
    if isinstance(settled.get("file"), str) and "__loader__" in settled:
        settled["file"] = names[settled["file"]]
    return settled


_INSTEAD = "register a format for it: @ag.format(type) on a subclass of ag.Format, or return what it was fitted to"


def _corrupt(why: str) -> CorruptError:
    return CorruptError(f"these bytes are no estimator that may be loaded: {why[:200]}", next="run its step again")
