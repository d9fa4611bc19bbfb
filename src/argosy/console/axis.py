"""Axes of plots: where values of a parameter or a metric lie between two ends, and which of them are named."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import msgspec

from argosy.console import words

_WIDE = 100.0
"""So many times the least must the largest of positive values be for an axis to be logarithmic."""
_NAMED = 12
_LETTERS = 14


class Axis(msgspec.Struct, frozen=True):
    """Places from 0 (the low end) to 1: of numbers, on a `log` scale or not, or of texts, each at a place of its own.

    `ticks` are places with what is written there. A value that is none of its own has no place.
    """

    low: float
    high: float
    log: bool = False
    names: tuple[str, ...] = ()
    ticks: tuple[tuple[float, str], ...] = ()

    def place(self, value: float | str | None) -> float | None:
        """Where a value lies."""
        if self.names:
            text = str(value)
            return self.names.index(text) / max(len(self.names) - 1, 1) if text in self.names else None
        found = number(value)
        if found is None or (self.log and found <= 0):
            return None
        found = math.log10(found) if self.log else found
        return (found - self.low) / (self.high - self.low)


def of(
    values: Iterable[float | str | None], ticks: int = 5, *, margin: float = 0.0, log: bool = False
) -> Axis:  # fmt: skip
    """The axis over all of some values; `margin` is kept free at both ends, as a share.

    Numbers in texts count as numbers where all texts are numbers; otherwise each text has a place, by name. With `log`
    it is logarithmic where all are positive and span two powers of ten.
    """
    known = [value for value in values if value is not None]
    numbers = [number(value) for value in known]
    if any(found is None and not _endless(value) for found, value in zip(numbers, known, strict=True)):
        names = tuple(sorted(set(map(str, known))))
        every = max(-(-len(names) // _NAMED), 1)
        told = [(place / max(len(names) - 1, 1), _cut(name)) for place, name in enumerate(names)][::every]
        return Axis(0.0, 1.0, names=names, ticks=tuple(told))
    plain = [each for each in numbers if each is not None]
    least, most = (min(plain), max(plain)) if plain else (0.0, 1.0)
    if log and least > 0 and most / least >= _WIDE:
        return _log(math.log10(least), math.log10(most))
    free = (most - least) * margin or (0.0 if most > least else abs(most) * 0.05 or 0.5)
    return _linear(least - free, most + free, ticks)


def number(value: float | str | None) -> float | None:
    """A value as a finite number, where it is one."""
    try:
        found = float(value) if value is not None else math.nan
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def step(rough: float) -> float:
    """The nearest of 1, 2, 5 times a power of ten that is not below `rough`."""
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999)


def _linear(low: float, high: float, ticks: int) -> Axis:
    pitch = step((high - low) / max(ticks - 1, 1))
    first, last = math.ceil(low / pitch - 1e-9), math.floor(high / pitch + 1e-9)
    found = [(value - low) / (high - low) for value in (place * pitch for place in range(first, last + 1))]
    digits = max(0, -math.floor(math.log10(pitch)))
    told = [f"{place * pitch:.{digits}f}" if digits <= 6 else words.short(place * pitch)
            for place in range(first, last + 1)]  # fmt: skip
    if pitch >= 1000:
        told = [words.short(place * pitch) for place in range(first, last + 1)]
    return Axis(low, high, ticks=tuple(zip(found, told, strict=True)))


def _log(low: float, high: float) -> Axis:
    powers: Sequence[int] = range(math.ceil(low - 1e-9), math.floor(high + 1e-9) + 1)
    powers = powers[:: max(-(-len(powers) // _NAMED), 1)]
    ticks = tuple(((power - low) / (high - low), f"{10.0**power:g}") for power in powers)
    return Axis(low, high, log=True, ticks=ticks)


def _endless(value: float | str) -> bool:
    """Whether a value is a number that has no place: NaN or infinite."""
    try:
        return not math.isfinite(float(value))
    except ValueError:
        return False


def _cut(text: str) -> str:
    return text if len(text) <= _LETTERS else f"{text[: _LETTERS - 1]}…"
