"""What a step says of itself while it runs: metrics and parameters."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar, Token
from typing import Any, ClassVar

import msgspec

from argosy.spec import check

LONGEST = 1000
"""Characters of a text that is kept."""
MOST = 1000
"""Names that one execution may log."""


class Record:
    """What was logged, by name: numbers are metrics, anything else is a parameter. The last value of a name counts.

    As a context, it collects what is logged meanwhile, in threads that are started meanwhile as well.
    """

    __slots__ = ("_outer", "_token", "metrics", "parameters")
    _current: ClassVar[Record | None] = None

    def __init__(self) -> None:
        self.metrics: dict[str, float] = {}
        self.parameters: dict[str, Any] = {}
        self._token: Token[Record | None] | None = None

    def __enter__(self) -> Record:
        self._token = _record.set(self)
        self._outer, Record._current = Record._current, self
        return self

    def __exit__(self, *_: object) -> None:
        assert self._token is not None
        _record.reset(self._token)
        Record._current = self._outer

    @classmethod
    def current(cls) -> Record | None:
        """That of this context; in a thread that a step started, which has none, that of the process's one step."""
        return _record.get() or cls._current


_record: ContextVar[Record | None] = ContextVar("argosy_record", default=None)


def log(values: Mapping[str, Any] | None = None, /, **more: Any) -> None:
    """Record metrics (numbers) and parameters (texts, flags, lists, dicts) of the step that is running.

    `ag.log(auc=0.71, carrier="AA")` or `ag.log({"test/auc": 0.71})`. Outside of a run it checks, and records nothing.
    Raises DeclarationError for a name that is none, and for a value that is no plain one.
    """
    record = Record.current() or Record()
    for name, value in {**(values or {}), **more}.items():
        if not isinstance(name, str) or not 0 < len(name) <= check.COLUMN_LENGTH or not name.isprintable():
            raise check.fail("ag.log", name, f"a name of 1 to {check.COLUMN_LENGTH} printable characters", "rename it")
        if name not in record.metrics | record.parameters and len(record.metrics) + len(record.parameters) >= MOST:
            raise check.fail("ag.log", name, f"one of at most {MOST} names", "log a table as the step's output")
        number = _number(value)
        if number is not None:
            record.metrics[name] = number
        else:
            record.parameters[name] = _plain(name, value)


def _number(value: Any) -> float | None:
    if isinstance(value, (bool, str, bytes)):
        return None
    if isinstance(value, (int, float)) or (hasattr(value, "__float__") and getattr(value, "ndim", 0) == 0):
        return float(value)
    return None


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, str):
        return value[:LONGEST]
    try:
        found = msgspec.to_builtins(value)
        size = len(msgspec.json.encode(found))
    except (TypeError, ValueError, OverflowError):
        raise check.fail(f"ag.log({name})", type(value).__name__, "a number, a text, a list or a dict of such",
                         "return it from the step: its outputs are kept") from None  # fmt: skip
    if size > 10 * LONGEST:
        raise check.fail(f"ag.log({name})", f"{size:,} bytes", f"at most {10 * LONGEST:,} bytes of JSON",
                         "return it from the step: its outputs are kept")  # fmt: skip
    return found
