"""NumPy arrays and scalars in NumPy's own file format."""

from __future__ import annotations

from typing import Any

import numpy as np

from argosy.errors import CorruptError, InputError
from argosy.pipelines.formats.sink import SMALL
from argosy.pipelines.formats.source import Source
from argosy.spec.format import File, Format
from argosy.spec.interface import plain

_HEAD = 10
_NUMBERS: tuple[type[Any], ...] = (bool, int, float, complex, str, bytes)


class Array(Format):
    """Arrays of any type but Python objects, whose file would be a pickle."""

    name = "array"

    def save(self, value: Any, file: File) -> None:
        """See `Format.save`. Raises `InputError` for an array of objects or a masked one."""
        if isinstance(value, np.ma.MaskedArray):
            raise InputError("a masked array has no format", next="return its data and its mask as two outputs")
        array = np.asarray(value)
        if array.dtype.hasobject:
            raise InputError(
                "an array of Python objects has no format", next="convert it: array.astype(str), or array.tolist()"
            )
        np.save(file, array, allow_pickle=False)

    def load(self, file: File, wanted: Any) -> Any:
        """See `Format.load`: mapped read only where it is large, else in memory and writable; scalars as such.

        A zero-dimensional array comes back as a scalar, or as the number that is wanted.
        """
        assert isinstance(file, Source)
        try:
            if file.size > SMALL:
                return np.load(file.path(), mmap_mode="r", allow_pickle=False)
            array = np.load(file, allow_pickle=False)
        except ValueError as error:
            raise CorruptError(f"these bytes are no NumPy array: {error}", next="run its step again") from error
        kind = plain(wanted)
        if array.ndim or kind is np.ndarray:
            return array
        return kind(array.item()) if kind in _NUMBERS else array[()]

    def preview(self, value: Any) -> dict[str, Any]:
        """See `Format.preview`."""
        array = np.asarray(value)
        head = [str(item)[:24] for item in array.flat[:_HEAD]]
        return {"kind": "array", "type": str(array.dtype), "shape": list(array.shape), "head": head}
