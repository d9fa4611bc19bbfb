"""XGBoost's binary format, scored by its own library through ctypes.

The Python package is never imported: it costs more than a CPU-second, because it imports scikit-learn. The library it
carries needs nothing.
"""

from __future__ import annotations

import ctypes
import importlib.util
import threading
from functools import cache
from math import prod
from pathlib import Path

import numpy as np
import numpy.typing as npt

from argosy.errors import CorruptError, MissingExtraError
from argosy.model import forest
from argosy.model.matrix import Matrix, checked
from argosy.model.space import Space

_VALUE, _CONTRIBUTION = (
    b'{"type":%d,"training":false,"iteration_begin":0,"iteration_end":0,"strict_shape":false,"missing":NaN,'
    b'"cache_id":0}' % kind
    for kind in (0, 2)
)
_ROWS = b'{"missing":NaN,"nthread":1}'
_OBJECTIVE = b"\x09objective{L\0\0\0\0\0\0\0\x04nameSL"
_UNLABELLED = ctypes.c_void_p()
# Resident size over the length of the bytes, measured on trees of depth 5.
_MEMORY_PER_BYTE = 1.6
_MEMORY_FIXED = 60_000


class XGBoost:
    """A booster of trees with one output, computed in float32.

    Thread-safe: the library keeps what it answers apart for each thread; explanations take turns.
    """

    def __init__(self, data: bytes, *, known: bool = False) -> None:
        self._handle: ctypes.c_void_p | None = None
        self._library = library()  # held, because at interpreter exit the module is emptied before the last models go
        if not known:
            forest.check(data)
        handle, count = ctypes.c_void_p(), ctypes.c_uint64()
        _call(self._library.XGBoosterCreate, None, ctypes.c_uint64(0), ctypes.byref(handle))
        self._handle = handle
        _call(self._library.XGBoosterLoadModelFromBuffer, handle, data, ctypes.c_uint64(len(data)))
        _call(self._library.XGBoosterSetParam, handle, b"nthread", b"1")
        _call(self._library.XGBoosterGetNumFeature, handle, ctypes.byref(count))
        self.features = count.value
        self.space: Space = forest.SPACES[_objective(data)]
        self.bytes_in_memory = int(len(data) * _MEMORY_PER_BYTE) + _MEMORY_FIXED
        self._turn = threading.Lock()

    def predict(self, matrix: Matrix) -> npt.NDArray[np.float64]:
        """See `Model.predict`."""
        rows = checked(matrix, self.features)
        if not len(rows):
            return np.empty(0)
        call = self._library.XGBoosterPredictFromDense
        return self._answer(call, _interface(rows), _VALUE, _UNLABELLED)

    def explain(self, matrix: Matrix) -> Matrix:
        """See `Model.explain`: SHAP values of the trees themselves (Lundberg et al., Nat. Mach. Intell. 2, 2020)."""
        rows = checked(matrix, self.features)
        if not len(rows):
            return np.empty((0, self.features + 1))
        held = ctypes.c_void_p()
        _call(self._library.XGDMatrixCreateFromDense, _interface(rows), _ROWS, ctypes.byref(held))
        try:
            with self._turn:
                found = self._answer(self._library.XGBoosterPredictFromDMatrix, held, _CONTRIBUTION)
        finally:
            self._library.XGDMatrixFree(held)
        return found.reshape(len(rows), self.features + 1)

    def _answer(self, call: ctypes._NamedFuncPointer, *asked: object) -> npt.NDArray[np.float64]:
        """What the library answers, copied from memory of its own that its next answer to this thread overwrites."""
        shape, rank, out = ctypes.POINTER(ctypes.c_uint64)(), ctypes.c_uint64(), ctypes.POINTER(ctypes.c_float)()
        _call(call, self._handle, *asked, ctypes.byref(shape), ctypes.byref(rank), ctypes.byref(out))
        return np.ctypeslib.as_array(out, (prod(shape[: rank.value]),)).astype(np.float64)

    def __del__(self) -> None:
        if self._handle is not None:
            self._library.XGBoosterFree(self._handle)


def _interface(rows: Matrix) -> bytes:
    """NumPy's array interface, by which the library finds the rows; they must outlive the call."""
    return b'{"data":[%d,true],"shape":[%d,%d],"typestr":"<f8","version":3}' % (rows.ctypes.data, *rows.shape)


def _objective(data: bytes) -> str:
    """The name of the objective, which stands near the end of the bytes; raises CorruptError where none does."""
    place = data.rfind(_OBJECTIVE)
    length = int.from_bytes(data[place + len(_OBJECTIVE) : place + len(_OBJECTIVE) + 8], "big") if place >= 0 else 0
    name = data[place + len(_OBJECTIVE) + 8 :][:length].decode(errors="replace")
    if name not in forest.SPACES:
        raise CorruptError(f"an XGBoost model with the objective {name[:60]!r}", next="register the version again")
    return name


def _call(function: ctypes._NamedFuncPointer, *arguments: object) -> None:
    if function(*arguments):
        reason = library().XGBGetLastError().decode(errors="replace").partition("\n")[0]
        raise CorruptError(f"XGBoost refuses the model: {reason}", next="register the version again")


@cache
def library() -> ctypes.CDLL:
    """XGBoost's own library; raises MissingExtraError where it is not installed."""
    spec = importlib.util.find_spec("xgboost")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        for name in ("lib/libxgboost.so", "lib/libxgboost.dylib", "lib/xgboost.dll"):
            if (found := Path(folder, name)).exists():
                opened = ctypes.CDLL(str(found))
                opened.XGBGetLastError.restype = ctypes.c_char_p
                opened.XGBoosterFree.argtypes = opened.XGDMatrixFree.argtypes = [ctypes.c_void_p]
                return opened
    raise MissingExtraError("XGBoost's library is not installed", next="pip install 'argosy[xgboost]'")
