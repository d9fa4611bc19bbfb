"""Values that are handed on unopened: only the process that a value is for runs what its unpickling does."""

from __future__ import annotations

import pickle
from functools import partial
from typing import Any, NamedTuple

from argosy.engine.channel import Channel, split


class Parcel(NamedTuple):
    """A pickle and its large buffers. It may travel by any means that carries bytes and buffers."""

    body: bytes
    buffers: tuple[Any, ...]

    @classmethod
    def of(cls, value: object) -> Parcel:
        """A value packed. Raises what pickle raises."""
        body, *buffers = split(value)
        return cls(body, tuple(pickle.PickleBuffer(each) for each in buffers))

    def open(self) -> Any:
        """The value, its buffers as its own. Raises what unpickling raises."""
        return Channel.decode([self.body, *map(bytearray, self.buffers)])


class Forwarded:
    """A parcel that is opened by whoever unpickles this; by standard library alone, as workers import nothing else."""

    def __init__(self, parcel: Parcel) -> None:
        self._parcel = parcel

    def __reduce__(self) -> tuple[Any, ...]:
        buffers = [pickle.PickleBuffer(each) for each in self._parcel.buffers]
        return partial(pickle.loads, buffers=buffers), (self._parcel.body,)
