"""Steps: plain typed functions that a pipeline calls. Outside of a pipeline they are what they were."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Generic, ParamSpec, TypeVar, overload

from argosy.errors import DeclarationError, UnknownError
from argosy.spec import check, duration, interface, size, trace
from argosy.spec.declared import Declared
from argosy.spec.fleet import Fleet
from argosy.spec.function import register
from argosy.spec.graph import Output, Whole
from argosy.spec.interface import Interface
from argosy.spec.limit import Name, between
from argosy.spec.size import Size

P = ParamSpec("P")
R = TypeVar("R")

_KEEP_GOING = "keep_going"
_known: dict[str, Step[..., Any]] = {}


class Limit(Declared, frozen=True, tag="limit", tag_field="kind"):
    """At most `slots` steps that name it run at once, in all processes of a home: `gpu = ag.Limit("gpu", 2)`."""

    name: Name
    slots: Annotated[int, between(1, 1000)]

    def __post_init__(self) -> None:
        super().__post_init__()
        check.name("Limit.name", self.name)


class Options(Declared, frozen=True, kw_only=True):
    """How a step is run. None of it changes what it gives, but for `cache` and `environment`.

    `retries` after a failure, each after a growing pause; `timeout` and `memory` end its worker. `cache`: whether a
    result is used again, or how long ("1d"). `environment` names variables whose values count as what it reads. `alone`
    asks for a process of its own. Of what waits, the higher `priority` goes first.
    """

    name: Name
    retries: Annotated[int, between(0, 100)] = 0
    timeout: str | None = None
    memory: Size | None = None
    cache: bool | str = True
    environment: tuple[str, ...] = ()
    limit: Limit | None = None
    priority: Annotated[int, between(-100, 100)] = 0
    alone: bool = False

    def __post_init__(self) -> None:
        field = f"step({self.name!r})"
        check.name("step.name", self.name)
        if self.timeout is not None:
            check.put(self, "timeout", duration.canonical(self.timeout, f"{field}.timeout"))
        if self.memory is not None:
            size.parse(self.memory, f"{field}.memory")
        if not isinstance(self.cache, bool):
            check.put(self, "cache", duration.canonical(self.cache, f"{field}.cache"))
        if self.limit is not None:
            check.instance(f"{field}.limit", self.limit, Limit, 'a limit such as ag.Limit("gpu", 2)')
        check.put(self, "environment", check.sequence(f"{field}.environment", self.environment))
        super().__post_init__()

    @property
    def seconds(self) -> float | None:
        """`timeout` in seconds."""
        return None if self.timeout is None else duration.parse(self.timeout).total_seconds()

    @property
    def bytes(self) -> int | None:
        """`memory` in bytes."""
        return None if self.memory is None else size.parse(self.memory)


class Step(Generic[P, R]):
    """A function that pipelines call. Within a pipeline a call is a node of its graph; anywhere else it is a call."""

    def __init__(self, function: Callable[P, R], options: Options) -> None:
        self.function = register(function, "step")
        self.options = options
        self.plain = function
        before = _known.get(self.function)
        if before is not None and before.plain is function and before.options.environment != options.environment:
            raise check.fail(f"step({options.name!r}).environment", list(options.environment),
                             f"{list(before.options.environment)}, as step {before.name} of the same function says",
                             "name all variables that it reads")  # fmt: skip
        _known[self.function] = self
        functools.update_wrapper(self, function)

    def __repr__(self) -> str:
        return f"<step {self.name}>"

    @property
    def name(self) -> str:
        """Its name in graphs, messages and logs."""
        return self.options.name

    @functools.cached_property
    def interface(self) -> Interface:
        """What it takes and gives. Raises DeclarationError for annotations that cannot be read."""
        found = interface.of(self.plain, f"step {self.name}")
        if _KEEP_GOING in found.inputs:
            raise DeclarationError(
                f"step {self.name} takes an argument 'keep_going', which .map takes itself", next="rename it"
            )
        return found

    @overload
    def __call__(self, *args: P.args, **named: P.kwargs) -> R: ...
    @overload
    def __call__(self, *args: Any, **named: Any) -> R: ...
    def __call__(self, *args: Any, **named: Any) -> Any:
        """Run the function; within a pipeline, stand for its output.

        There a dataset is given for a table, which no type checker can know.
        """
        tracing = trace.current()
        if tracing is None:
            return self.plain(*args, **named)
        return tracing.call(self, args, named)

    def map(self, *args: Any, keep_going: bool = False, **named: Any) -> Any:
        """A call for each element of the lists among the arguments, which go in step; what is no list goes to each.

        With `keep_going`, elements that fail are left out of what later steps get, and the others go on.
        """
        tracing = trace.current()
        if tracing is not None:
            return tracing.map(self, args, named, keep_going=keep_going)
        return _loop(self.plain, self.interface, self.name, args, named, keep_going)

    def reduce(self, values: Any, **named: Any) -> Any:
        """Fold a list with a step of two arguments, two neighbours at a time, then what they gave, until one is left.

        The step must be associative: how values are paired depends on their number alone.
        """
        tracing = trace.current()
        if tracing is not None:
            return tracing.reduce(self, values, named)
        left = list(values)
        if not left:
            raise DeclarationError(f"step {self.name}.reduce is given an empty list", next="give it at least one value")
        while len(left) > 1:
            pairs = [left[place : place + 2] for place in range(0, len(left), 2)]
            left = [self.plain(*pair, **named) if len(pair) == 2 else pair[0] for pair in pairs]
        return left[0]


@overload
def step(function: Callable[P, R], /) -> Step[P, R]: ...
@overload
def step(
    *, name: str | None = None, retries: int = 0, timeout: str | None = None, memory: str | None = None,
    cache: bool | str = True, environment: Sequence[str] = (), limit: Limit | None = None, priority: int = 0,
    alone: bool = False,
) -> Callable[[Callable[P, R]], Step[P, R]]: ...  # fmt: skip
def step(function: Callable[..., Any] | None = None, /, *, name: str | None = None, **options: Any) -> Any:
    """Declare a function as a step, with `Options` if any: `@ag.step` or `@ag.step(retries=2, timeout="10m")`."""

    def declare(function: Callable[..., Any]) -> Step[..., Any]:
        called = name or str(getattr(function, "__name__", ""))
        for each in options:
            check.member(f"step({called!r})'s option", each, Options.__struct_fields__)
        return Step(function, Options(name=called, **options))

    return declare if function is None else declare(function)


def known(reference: str) -> Step[..., Any]:
    """The step of a function's reference. Raises UnknownError where its module was not imported."""
    if reference not in _known:
        raise UnknownError(f"there is no step {reference}", next="declare it with @ag.step at the top of a module")
    return _known[reference]


def whole(value: Any) -> Any:
    """A list that `.map` hands to each element as it is."""
    return Whole(value)


def when(condition: Any, then: Callable[[], R], otherwise: Callable[[], R] | None = None) -> R | None:
    """What `then()` gives where a step's output is true, else what `otherwise()` does: nothing if there is none."""
    tracing = trace.current()
    for branch in (then, otherwise):
        if isinstance(branch, Output):
            raise DeclarationError(
                f"ag.when is given {branch!r}, which is then made whatever the condition",
                next="write lambda: before it",
            )
    if tracing is not None and isinstance(condition, Output):
        found: R | None = tracing.when(condition, then, otherwise)
        return found
    return then() if condition else otherwise() if otherwise is not None else None


def trained(fleet: Fleet | str, *, after: Sequence[Any] = ()) -> Any:
    """Train a fleet as a step, once `after` is there: a dict of how many members were trained, kept and failed."""
    tracing = trace.current()
    if tracing is None:
        raise DeclarationError("ag.trained works in a pipeline only", next="argosy train FLEET, to train it now")
    return tracing.trained(fleet, after)


def _loop(
    function: Callable[..., Any], known: Interface, name: str, args: Sequence[Any], named: dict[str, Any],
    keep_going: bool,
) -> Any:  # fmt: skip
    owner = f"step {name}.map"
    given = known.bind(owner, args, named)
    lists = {each: list(value) for each, value in given.items() if trace.spreads(value)}
    lengths = {each: len(value) for each, value in lists.items()}
    if len(set(lengths.values())) != 1:
        raise check.fail(f"{owner}'s lists", lengths, "of one length, and at least one list", "give it such lists")
    rest = {k: v.value if isinstance(v, Whole) else v for k, v in given.items() if k not in lists}
    found = []
    for place in range(next(iter(lengths.values()))):
        try:
            found.append(function(**rest, **{each: value[place] for each, value in lists.items()}))
        except Exception:
            if not keep_going:
                raise
    if not known.several:
        return found
    return tuple([row[column] for row in found] for column in range(len(known.outputs)))
