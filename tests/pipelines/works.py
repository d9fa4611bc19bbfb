"""Steps and pipelines that the tests run, in a module that workers can import."""

from __future__ import annotations

import pathlib
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import polars as pl

import argosy as ag


class Unspeakable(Exception):
    """Cannot be pickled, nor told."""

    def __init__(self, *, gate: Any) -> None:
        super().__init__()
        self.gate = gate

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("never")


@ag.step
def inc(x: int) -> int:
    return x + 1


@ag.step
def add(a: int, b: int) -> int:
    return a + b


@ag.step
def join(a: str, b: str) -> str:
    return f"({a}{b})"


@ag.step
def numbers(n: int) -> list[int]:
    return list(range(n))


@ag.step
def spell(n: int) -> list[str]:
    return [chr(97 + each) for each in range(n)]


@ag.step
def total(values: list[int]) -> int:
    ag.log(count=len(values), kind="sum")
    print("adding", values)  # noqa: T201 - what a step prints is its log
    return sum(values)


@ag.step
def divide(x: int, by: int) -> tuple[Annotated[int, "quotient"], Annotated[int, "rest"]]:
    return divmod(x, by)


@ag.step
def fussy(x: int, bad: list[int]) -> int:
    if x in bad:
        raise ValueError(f"{x} is bad")
    return x * 10


@ag.step
def odd(x: int) -> bool:
    return x % 2 == 1


@ag.step
def rows(n: int) -> ag.Table:
    return pl.DataFrame({"n": range(n), "half": [each / 2 for each in range(n)]})


@ag.step
def parts(table: ag.Table) -> list[pl.DataFrame]:
    return table.partition_by(pl.Series(table["n"] % 2).alias("odd")) if False else [table.head(2), table.tail(3)]


@ag.step
def height(table: pl.DataFrame) -> int:
    return table.height


@ag.step
def weekday(day: date) -> int:
    return day.weekday()


@ag.step
def read(path: pathlib.Path) -> str:
    return path.read_text()


@ag.step
def mute() -> int:
    raise Unspeakable(gate=lambda: 1)


@ag.step
def formless() -> Any:
    return object()


@ag.step
def noted(failed: ag.Failed) -> str:
    return f"{failed.pipeline}: {', '.join(failed.reasons)}"


@ag.pipeline
def chain(n: int = 5) -> Any:
    x: Any = 0
    for _ in range(n):
        x = inc(x)
    return x


@ag.pipeline
def diamond(x: int = 7) -> Any:
    quotient, rest = divide(x, 3)
    return add(inc(quotient), inc(rest))


@ag.pipeline
def wide(n: int = 6) -> Any:
    return total(inc.map(numbers(n)))


@ag.step
def measure(text: str, more: int) -> int:
    return len(text) + more


@ag.pipeline
def shared(n: int, text: str) -> Any:
    return measure.map(ag.whole(text), list(range(n)))


@ag.step
def place(x: int, values: list[int]) -> int:
    return x + sum(values)


@ag.pipeline
def square(n: int) -> Any:
    """Each element is given all that came of the others."""
    made = inc.map(list(range(n)))
    return place.map(list(range(n)), ag.whole(made))


@ag.pipeline
def folded(n: int = 5) -> Any:
    return join.reduce(spell(n))


@ag.pipeline
def partial(bad: list[int], keep_going: bool = True) -> Any:
    tens = fussy.map(numbers(5), bad=ag.whole(bad), keep_going=keep_going)
    return total(inc.map(tens))


@ag.pipeline
def forked(x: int) -> Any:
    return ag.when(odd(x), lambda: inc(x), lambda: add(x, x))


@ag.pipeline
def nested(n: int = 3) -> Any:
    return add(chain(n), chain(n))


@ag.pipeline
def framed(n: int = 5) -> Any:
    return total(height.map(parts(rows(n))))


@ag.pipeline
def twins() -> Any:
    return total(inc.map([4, 4, 4]))


@ag.pipeline
def filed(path: pathlib.Path) -> Any:
    return read(path)


@ag.pipeline
def dated(day: date = date(2013, 1, 1)) -> Any:
    return weekday(day)


@ag.step
def spelled(given) -> str:  # type: ignore[no-untyped-def]
    return repr(given)


@ag.pipeline
def exact() -> Any:
    return spelled.map([
        (1, "a"), {3, 1}, date(2013, 1, 6), {"b": 1, "a": {2: 3}}, [None, 1.0, True, b"x"], 1 << 70, Decimal("1.10"),
        float("inf"), (), [(1,), [2]],
    ])  # fmt: skip


@ag.step
def large(x: int):  # type: ignore[no-untyped-def]
    return np.array([x]).max() > 5


@ag.step
def told_of(given: int | None = 7) -> str:
    return repr(given)


@ag.step
def all_of(given: list[Any]) -> str:
    return repr(given)


@ag.step
def raises() -> str:
    raise ValueError("never")


@ag.step
def mistyped() -> int:
    return "text"  # type: ignore[return-value]


@ag.step
def unpaired() -> tuple[int, int]:
    return 1  # type: ignore[return-value]


@ag.pipeline
def mistaken() -> Any:
    return [inc(mistyped()), *unpaired()]


@ag.step
def same(x: int) -> int:
    return x


@ag.pipeline
def numpy_forked(x: int) -> Any:
    return ag.when(large(x), lambda: inc(x), lambda: add(x, x))


@ag.pipeline
def framed_condition() -> Any:
    return ag.when(rows(3), lambda: inc(1), lambda: inc(2))


@ag.pipeline
def not_taken(x: int) -> Any:
    found = ag.when(odd(x), lambda: inc(x))
    return [told_of(found), all_of([found, inc(1)])]


@ag.pipeline
def broken_branch() -> Any:
    found = ag.when(odd(1), lambda: [raises(), mark_none()], lambda: [mark_none()])
    return all_of(found)


@ag.step
def mark_none() -> str:
    return "nothing"


@ag.pipeline
def all_lost() -> Any:
    some = fussy.map(numbers(3), bad=ag.whole([0]), keep_going=True)
    return total(fussy.map(some, bad=ag.whole([10, 20]), keep_going=True))


@ag.pipeline
def given_back(path: pathlib.Path) -> Any:
    return {"path": path, "text": loosely_read(path)}


@ag.step
def loosely_read(file):  # type: ignore[no-untyped-def]
    return Path(file).read_text()


@ag.step
def names_in(folder: pathlib.Path) -> list[str]:
    return sorted(each.read_text() for each in folder.glob("*/*.txt"))


@ag.pipeline
def linked(folder: pathlib.Path) -> Any:
    return names_in(folder)


@ag.pipeline(on_failure=noted)
def broken() -> Any:
    return [inc(mute()), inc(formless()), inc(1)]


@ag.pipeline
def uneven() -> Any:
    return add.map(numbers(3), numbers(4))


@ag.pipeline
def empty() -> Any:
    return [total(inc.map(numbers(0))), add.reduce(numbers(0))]


@ag.step
def aside(x: int) -> str:
    """Logs, and asks for a folder, in a thread of its own."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(ag.log, seen=x).result()
        return str(pool.submit(ag.scratch).result())


@ag.pipeline
def threaded() -> Any:
    return aside(4)
