"""LightGBM's text format, scored by its own library through ctypes.

The Python package is never imported: it costs more than a CPU-second, because it imports
scikit-learn and pandas. The library it carries needs neither.
"""

from __future__ import annotations

import ctypes
import importlib.util
import threading
from functools import cache
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from argosy.errors import CorruptError, MissingExtraError
from argosy.model.matrix import Matrix, checked
from argosy.model.space import of_objective
from argosy.model.tree import check_text

_FLOAT64 = ctypes.c_int(1)
_NORMAL = ctypes.c_int(0)
_CONTRIBUTION = ctypes.c_int(3)
_ROW_MAJOR = ctypes.c_int(1)
_OBJECTIVE, _MEAN = b"\nobjective=", b"\naverage_output\n"
_ONE_THREAD = b"num_threads=1 verbosity=-1"
_FEW = 4
"""Rows that cost less one by one than at once, measured: a call for many reads its parameters anew, for 10 us."""
# Resident size over the length of the text, measured: 0.75 for trees of 31 leaves.
_MEMORY_PER_BYTE = 0.8
_MEMORY_FIXED = 20_000


class _Scratch(threading.local):
    """Where a thread has the answer to a single row. It stays where it is, so that its address is asked for once."""

    def __init__(self) -> None:
        self._length = ctypes.c_int64()
        self.out = ctypes.c_double()
        self.places = (ctypes.addressof(self._length), ctypes.addressof(self.out))


_SCRATCH = _Scratch()


class LightGBM:
    """A booster with one output, loaded from text.

    Thread-safe: a batch is scored under the library's own shared lock; a single row, of which a few are asked about in
    turn, keeps the interpreter lock for its few microseconds, so its native scratch space is never shared.
    """

    def __init__(self, data: bytes, *, known: bool = False) -> None:
        self._fast: ctypes.c_void_p | None = None
        self._handle: ctypes.c_void_p | None = None
        self._library = library()  # held, because at interpreter exit the module is emptied before the last models go
        if not known:
            check_text(data)
        handle, rounds = ctypes.c_void_p(), ctypes.c_int()
        _call(library().LGBM_BoosterLoadModelFromString, data, ctypes.byref(rounds), ctypes.byref(handle))
        self._handle = handle
        self.features = _count(library().LGBM_BoosterGetNumFeature, handle)
        if (classes := _count(library().LGBM_BoosterGetNumClasses, handle)) != 1:
            raise CorruptError(
                f"a LightGBM model with {classes} outputs where one is served",
                next="train with a binary or regression objective",
            )
        header = data[: data.find(b"\nTree=")]
        self.space, self._slope = of_objective(_objective(header))
        if _MEAN in header:  # contributions to a forest's answer come added up, where the answer is their mean
            self._slope /= rounds.value
        self._fast, self._row, self._bytes = self._prepare(), _fast(), 8 * self.features
        self.bytes_in_memory = int(len(data) * _MEMORY_PER_BYTE) + _MEMORY_FIXED

    def _prepare(self) -> ctypes.c_void_p:
        fast = ctypes.c_void_p()
        init = library().LGBM_BoosterPredictForMatSingleRowFastInit
        width = ctypes.c_int(self.features)
        _call(init, self._handle, _NORMAL, 0, -1, _FLOAT64, width, _ONE_THREAD, ctypes.byref(fast))
        return fast

    def predict(self, matrix: Matrix) -> npt.NDArray[np.float64]:
        """See `Model.predict`."""
        if matrix.ndim == 2 and 0 < len(matrix) <= _FEW and matrix.shape[1] == self.features:
            rows, size = matrix.astype(np.float64, copy=False).tobytes(), self._bytes
            return np.array([self.predict_row(rows[i : i + size]) for i in range(0, len(rows), size)])
        return self._predict(matrix, _NORMAL, 1)[:, 0]

    def predict_row(self, row: bytes) -> float:
        """See `RowModel.predict_row`."""
        if len(row) != self._bytes:
            checked(np.frombuffer(row).reshape(1, -1), self.features)
        if self._row(self._fast, row, *_SCRATCH.places):
            raise _failure()
        return _SCRATCH.out.value

    def explain(self, matrix: Matrix) -> Matrix:
        """See `Model.explain`: SHAP values of the trees themselves (Lundberg et al., Nat. Mach. Intell. 2, 2020)."""
        return self._predict(matrix, _CONTRIBUTION, self.features + 1) * self._slope

    def _predict(self, matrix: Matrix, kind: ctypes.c_int, width: int) -> npt.NDArray[np.float64]:
        rows = checked(matrix, self.features)
        out = np.empty((len(rows), width))
        if not len(rows):
            return out
        length = ctypes.c_int64()
        shape = (ctypes.c_int32(len(rows)), ctypes.c_int32(self.features))
        source, target = ctypes.c_void_p(rows.ctypes.data), ctypes.c_void_p(out.ctypes.data)
        call = library().LGBM_BoosterPredictForMat
        every = ctypes.c_int(-1)
        _call(
            call,
            self._handle,
            source,
            _FLOAT64,
            *shape,
            _ROW_MAJOR,
            kind,
            0,
            every,
            _ONE_THREAD,
            ctypes.byref(length),
            target,
        )
        return out

    def __del__(self) -> None:
        if self._fast is not None:
            self._library.LGBM_FastConfigFree(self._fast)
        if self._handle is not None:
            self._library.LGBM_BoosterFree(self._handle)


def _objective(header: bytes) -> str:
    """The objective that the lines before the trees state; empty where they state none."""
    return header.partition(_OBJECTIVE)[2].partition(b"\n")[0].decode(errors="replace")


def _call(function: ctypes._NamedFuncPointer, *arguments: object) -> None:
    if function(*arguments):
        raise _failure()


def _failure() -> CorruptError:
    reason = library().LGBM_GetLastError().decode(errors="replace")
    return CorruptError(f"LightGBM refuses the model: {reason}", next="register the version again")


def _count(function: ctypes._NamedFuncPointer, handle: ctypes.c_void_p) -> int:
    out = ctypes.c_int()
    _call(function, handle, ctypes.byref(out))
    return out.value


@cache
def _path() -> str:
    spec = importlib.util.find_spec("lightgbm")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        for name in ("lib/lib_lightgbm.so", "lib/lib_lightgbm.dylib", "lib/lib_lightgbm.dll"):
            if (found := Path(folder, name)).exists():
                return str(found)
    raise MissingExtraError("LightGBM's library is not installed", next="pip install lightgbm")


@cache
def library() -> ctypes.CDLL:
    """LightGBM's own library, for those who fit as well; raises MissingExtraError where it is not installed."""
    opened = ctypes.CDLL(_path())
    opened.LGBM_GetLastError.restype = ctypes.c_char_p
    opened.LGBM_BoosterFree.argtypes = [ctypes.c_void_p]
    opened.LGBM_FastConfigFree.argtypes = [ctypes.c_void_p]
    return opened


@cache
def parameters() -> frozenset[str]:
    """Every parameter of the library, under all names that it goes by; it ignores what goes by any other."""
    length = ctypes.c_int64(1 << 16)
    while True:
        buffer = ctypes.create_string_buffer(length.value)
        _call(library().LGBM_DumpParamAliases, ctypes.c_int64(len(buffer)), ctypes.byref(length), buffer)
        if length.value <= len(buffer):
            found = msgspec.json.decode(buffer.value, type=dict[str, list[str]])
            return frozenset(found).union(*found.values())


@cache
def _fast() -> ctypes._NamedFuncPointer:
    """The single-row call, which keeps the interpreter lock: releasing it costs more than the score."""
    function = ctypes.PyDLL(_path()).LGBM_BoosterPredictForMatSingleRowFast
    function.argtypes = [ctypes.c_void_p] * 4
    return function
