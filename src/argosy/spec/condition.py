"""Conditions: values that decide, combined with `&`, `|` and `~`; they can always explain themselves."""

from __future__ import annotations

from typing import Annotated, Union

from argosy.spec import check, duration
from argosy.spec.declared import Declared
from argosy.spec.duration import Duration
from argosy.spec.limit import FILLED, between


class _Condition(Declared, frozen=True):
    def __and__(self, other: Condition) -> AllOf:
        return AllOf((self, other))  # type: ignore[arg-type]

    def __or__(self, other: Condition) -> AnyOf:
        return AnyOf((self, other))  # type: ignore[arg-type]

    def __invert__(self) -> Not:
        return Not(self)  # type: ignore[arg-type]

    def __bool__(self) -> bool:
        raise check.fail("condition", str(self), "combined with & | ~, not with 'and', 'or', 'not'", "write a & b")


class Drifted(_Condition, frozen=True, tag="drifted", tag_field="kind"):
    """The member drifted: by the fleet's drift monitors, or beyond `limit` where it is given."""

    limit: float | None = None


class Degraded(_Condition, frozen=True, tag="degraded", tag_field="kind"):
    """Live performance broke a limit of the fleet's performance monitors."""


class OlderThan(_Condition, frozen=True, tag="older_than", tag_field="kind"):
    """The member was last trained longer ago than `age`."""

    age: Duration

    def __post_init__(self) -> None:
        check.put(self, "age", duration.canonical(self.age, "older_than"))
        super().__post_init__()


class NewRows(_Condition, frozen=True, tag="new_rows", tag_field="kind"):
    """At least `count` labelled rows became known since the member was last trained."""

    count: Annotated[int, between(0, 10**15)]


class Never(_Condition, frozen=True, tag="never", tag_field="kind"):
    """Never by itself: the member is trained again only by hand, or when its declaration changes."""


class AllOf(_Condition, frozen=True, tag="all_of", tag_field="kind"):
    """Every condition holds."""

    conditions: Annotated[tuple[Condition, ...], FILLED]

    def __post_init__(self) -> None:
        _operands(self)
        super().__post_init__()


class AnyOf(_Condition, frozen=True, tag="any_of", tag_field="kind"):
    """At least one condition holds."""

    conditions: Annotated[tuple[Condition, ...], FILLED]

    def __post_init__(self) -> None:
        _operands(self)
        super().__post_init__()


class Not(_Condition, frozen=True, tag="not", tag_field="kind"):
    """The condition does not hold."""

    condition: Condition


Condition = Union[Drifted, Degraded, OlderThan, NewRows, Never, AllOf, AnyOf, Not]  # noqa: UP007 - names are defined late


def _operands(both: AllOf | AnyOf) -> None:
    """Conditions of the same kind become one: `(a & b) & c` is `a & b & c`."""
    kind = type(both)
    parts: list[Condition] = []
    for operand in check.sequence(f"{kind.__name__}.conditions", both.conditions):
        check.instance("condition", operand, _Condition, "a condition, such as ag.drifted()")
        parts.extend(operand.conditions if isinstance(operand, kind) else (operand,))
    if not parts:
        raise check.fail(f"{kind.__name__}.conditions", (), "a list of at least one condition", "name a condition")
    check.put(both, "conditions", tuple(parts))


def drifted(limit: float | None = None) -> Drifted:
    """True for members whose drift monitors are beyond their limit (or beyond `limit`)."""
    return Drifted(limit)


def degraded() -> Degraded:
    """True for members whose live performance broke a limit."""
    return Degraded()


def older_than(age: str) -> OlderThan:
    """True for members that were last trained longer ago than `age`, such as `"60d"`."""
    return OlderThan(age)


def new_rows(count: int) -> NewRows:
    """True for members with at least `count` newly labelled rows since they were last trained."""
    return NewRows(count)


def never() -> Never:
    """Never true: retrain by hand only."""
    return Never()
