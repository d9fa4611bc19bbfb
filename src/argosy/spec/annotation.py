"""Annotations of steps for values of libraries that a project need not import: a table, a model."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

FRAMES = {
    "polars": ("DataFrame", "LazyFrame", "Series"),
    "pandas": ("DataFrame", "Series"),
    "pyarrow": ("Table", "RecordBatch"),
}
"""Types that are tables, by the library that has them."""

if TYPE_CHECKING:
    import polars as pl

    Table = pl.DataFrame
    Model = Any
else:

    class _OfTables(type):
        def __instancecheck__(cls, value):
            names = FRAMES.get(type(value).__module__.partition(".")[0], ())
            library = sys.modules.get(type(value).__module__.partition(".")[0])
            return isinstance(value, tuple(getattr(library, name) for name in names))

    class Table(metaclass=_OfTables):
        """A table: a step may give it as a frame of Polars, pandas or pyarrow; a step that takes it gets Polars'."""

    class _OfModels(type):
        def __instancecheck__(cls, value):
            return True

    class Model(metaclass=_OfModels):
        """A fitted model of any library that has a format; a step that takes it gets it as it was given."""
