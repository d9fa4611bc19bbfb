"""Pipelines: functions that put steps together, the parameters that they take, and when they run by themselves."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, overload

import msgspec

from argosy.errors import ArgosyError, DeclarationError
from argosy.spec import check, interface, place, schedule, trace, trigger
from argosy.spec.dataset import Dataset
from argosy.spec.declared import Declared
from argosy.spec.function import register, resolve
from argosy.spec.graph import Data, Graph, merge
from argosy.spec.interface import MISSING, Input
from argosy.spec.limit import Name
from argosy.spec.partition import Range
from argosy.spec.schedule import CatchUp, Concurrency, Schedule
from argosy.spec.span import Span
from argosy.spec.step import Step
from argosy.spec.trigger import Trigger

_SAMPLE = Span(datetime(2000, 1, 1, tzinfo=UTC), datetime(2000, 1, 2, tzinfo=UTC))

_EXAMPLES = {
    "int": "8", "float": "0.5", "bool": "true", "str": "TEXT", "date": "2026-01-31", "datetime": "2026-01-31T06:00Z",
    "time": "06:00:00", "list[int]": "'[1, 2]'", "list[float]": "'[0.5, 1.5]'", "list[str]": """'["a", "b"]'""",
    "dict[str, int]": """'{"a": 1}'""", "dict[str, float]": """'{"a": 0.5}'""", "dict[str, str]": """'{"a": "b"}'""",
}  # fmt: skip
"""Values of types by their names, as a shell takes them."""

_OPTIONS = ("name", "schedule", "zone", "on", "catch_up", "concurrency", "on_failure", "description")

ParameterKind = Literal["value", "dataset", "span", "path"]


class Parameter(Declared, frozen=True, kw_only=True):
    """What a run may be given: a plain value, a dataset at a version, a span of time, or a path.

    `type` is its annotation in words, `default` its value as JSON where it is not `required`.
    """

    name: str
    kind: ParameterKind = "value"
    type: str = "Any"
    required: bool = False
    default: Any = None


class Pipeline(Declared, frozen=True, kw_only=True, tag="pipeline", tag_field="kind"):
    """A function that calls steps; called by itself, it runs them as ordinary functions.

    It runs at the times of `schedule`, and whenever something in `on` happens. `catch_up` says what becomes of
    scheduled times that were missed, `concurrency` what happens while an earlier run is at work. `on_failure` is a step
    that is called with an `ag.Failed` when a run has failed.
    """

    name: Name
    function: str
    parameters: tuple[Parameter, ...] = ()
    schedule: Schedule | None = None
    on: tuple[Trigger, ...] = ()
    catch_up: CatchUp = "last"
    concurrency: Concurrency = "forbid"
    on_failure: str | None = None
    description: str = ""

    def __post_init__(self) -> None:
        check.name("pipeline.name", self.name)
        super().__post_init__()

    @property
    def by_itself(self) -> bool:
        """Whether it ever starts without being asked to; each parameter then needs a default."""
        return self.schedule is not None or bool(self.on)

    @property
    def span(self) -> str | None:
        """The name of the parameter that tells a run which span it is about."""
        return next((each.name for each in self.parameters if each.kind == "span"), None)

    def __call__(self, *args: Any, **named: Any) -> Any:
        """Run the function as it is; within another pipeline, its steps become part of that one's graph."""
        function, tracing = resolve(self.function), trace.current()
        if tracing is None:
            return function(*args, **named)
        owner = f"pipeline {self.name}"
        known = interface.of(function, owner)
        given = known.bind(owner, args, named)
        with tracing.within(self.name):
            return function(**given)

    def arguments(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """What a run's function is called with: values as their annotations ask, defaults where nothing is given.

        Text is read as what is asked for: numbers, dates, JSON, `START/STOP` for a span, a dataset's name. Raises
        DeclarationError for what is unknown, missing or of another type.
        """
        owner = f"pipeline {self.name}"
        known = interface.of(resolve(self.function), owner)
        for name in given:
            check.member(f"{owner}'s parameter", name, list(known.inputs) or ["none"])
        found = {}
        for each in self.parameters:
            if each.required and each.name not in given:
                raise DeclarationError(f"{owner} needs its parameter {each.name!r}", next=_set(each))
            wanted = known.inputs[each.name]
            value = given.get(each.name, wanted.default)
            found[each.name] = _value(owner, each, wanted, value)
        return found

    def check(self) -> None:
        """Put it together with its defaults, if each parameter has one: what is wrong with a call shows by then."""
        sample = {each.name: _SAMPLE for each in self.parameters if each.kind == "span"}
        if not any(each.required and each.name not in sample for each in self.parameters):
            self.trace(sample)

    def filling(self, range: Range, given: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters of a run over all spans of a range. Raises DeclarationError where it takes no span."""
        if self.span is None:
            raise DeclarationError(
                f"pipeline {self.name} takes no span of time, so that there is nothing to fill in",
                next=f"give it one: def {self.name}(span: ag.Span, …), for steps to read from span.start to span.stop",
            )
        if self.span in given:
            field, limit = f"pipeline {self.name}'s parameter {self.span}", "left out: the range is cut into its values"
            raise check.fail(field, given[self.span], limit, f"leave out --set {self.span}=…")
        return {**given, self.span: range}

    def trace(self, given: Mapping[str, Any]) -> Graph:
        """The graph of a run with some parameters, defaults for the others.

        Where its span is a `Range`, it is put together once for each span of that, under the name of the span's start.
        What the function raises is a DeclarationError that says where.
        """
        function, arguments = resolve(self.function), self.arguments(given)
        range = arguments.get(self.span or "")
        if self.span is None or not isinstance(range, Range):
            return self._traced(function, arguments)
        graphs, count = {}, 0
        for span in range.spans():
            made = self._traced(function, {**arguments, self.span: span})
            graphs[str(span).partition("/")[0]] = made
            count += len(made.nodes)
            if count > trace.NODES:
                raise check.fail(f"pipeline {self.name}'s calls in all spans", f"more than {trace.NODES:,}",
                                 f"at most {trace.NODES:,}", "fill in a shorter range at a time")  # fmt: skip
        return merge(self.name, graphs)

    def _traced(self, function: Callable[..., Any], arguments: Mapping[str, Any]) -> Graph:
        try:
            return trace.trace(self.name, function, arguments)
        except ArgosyError:
            raise
        except Exception as error:
            raise DeclarationError(
                f"pipeline {self.name} cannot be put together: {place.told(error)}",
                next="correct the function: it runs before any step does, and calls them",
            ) from error


@overload
def pipeline(function: Callable[..., Any], /) -> Pipeline: ...
@overload
def pipeline(
    *, name: str | None = None, schedule: Schedule | str | None = None, zone: str | None = None,
    on: Trigger | Sequence[Trigger] = (), catch_up: CatchUp = "last", concurrency: Concurrency = "forbid",
    on_failure: Step[..., Any] | None = None, description: str = "",
) -> Callable[[Callable[..., Any]], Pipeline]: ...  # fmt: skip
def pipeline(
    function: Callable[..., Any] | None = None, /, *, name: str | None = None, schedule: Any = None,
    zone: str | None = None, on: Any = (), on_failure: Step[..., Any] | None = None, description: str = "",
    **policies: Any,
) -> Any:  # fmt: skip
    """Declare a function that calls steps as a pipeline: `@ag.pipeline` or `@ag.pipeline(schedule="0 6 * * *")`."""

    def declare(function: Callable[..., Any]) -> Pipeline:
        called = name or str(getattr(function, "__name__", ""))
        for option in policies:
            check.member(f"pipeline({called!r})'s option", option, _OPTIONS)
        made = Pipeline(
            name=called, function=register(function, "pipeline"), parameters=_parameters(function, called),
            schedule=_schedule(called, schedule, zone), on=trigger.of(on, f"pipeline({called!r}).on"),
            on_failure=_handler(called, on_failure),
            description=description or (function.__doc__ or "").strip().partition("\n")[0], **policies,
        )  # fmt: skip
        for each in made.parameters:
            if each.required and each.kind != "span" and made.by_itself:
                raise DeclarationError(
                    f"pipeline({called!r}): parameter {each.name} has no default, and nobody gives it a value when it "
                    "runs by itself",
                    next=f"write {each.name}: {each.type} = …, or leave out what it runs upon",
                )
        return made

    return declare if function is None else declare(function)


def _schedule(name: str, given: Any, zone: str | None) -> Schedule | None:
    return schedule.of(given, zone, f"pipeline({name!r}).schedule")


def _handler(name: str, given: Step[..., Any] | None) -> str | None:
    if given is None:
        return None
    field = f"pipeline({name!r}).on_failure"
    check.instance(field, given, Step, "a step that takes one ag.Failed")
    if len([each for each in given.interface.inputs.values() if each.default is MISSING]) != 1:
        raise check.fail(field, given.name, "a step of one argument", "let it take the ag.Failed alone")
    return given.function


def _parameters(function: Callable[..., Any], name: str) -> tuple[Parameter, ...]:
    found = []
    for each in interface.of(function, f"pipeline {name}").inputs.values():
        bare = interface.plain(each.annotation)
        kind: ParameterKind = (
            "dataset" if bare is Dataset else "span" if bare is Span else "path" if interface.is_path(bare) else "value"
        )
        required = each.default is MISSING and kind != "dataset"
        default = None if each.default is MISSING else _written(name, each)
        found.append(
            Parameter(name=each.name, kind=kind, type=interface.show(bare), required=required, default=default)
        )
    if len([each for each in found if each.kind == "span"]) > 1:
        raise check.fail(f"pipeline({name!r})", "with several ag.Span", "with at most one", "derive the others from it")
    return tuple(found)


def _written(name: str, wanted: Input) -> Any:
    """A default as JSON."""
    value = wanted.default
    if isinstance(value, Dataset):
        return value.name
    if value is not None and not interface.is_path(wanted.annotation) and not isinstance(value, Span):
        value = interface.constant(f"pipeline {name}", wanted, value)
    return msgspec.to_builtins(str(value) if isinstance(value, Span) or interface.is_path(wanted.annotation) else value)


def _value(owner: str, parameter: Parameter, wanted: Input, value: Any) -> Any:
    field = f"{owner}'s parameter {parameter.name}"
    if parameter.kind == "dataset":
        given = parameter.name if value is MISSING else value
        return Data(given.name) if isinstance(given, Dataset) else Data.parse(str(given), field)
    if parameter.kind == "span" and isinstance(value, (str, Range, Mapping)):
        return Span.parse(value, field) if isinstance(value, str) else msgspec.convert(value, Range)
    if parameter.kind == "path" and value == "":
        raise check.fail(field, value, "the path of a file or a directory", _set(parameter))
    if parameter.kind == "path" and value is not None:
        return Path(value)
    if value is wanted.default:
        return value
    if isinstance(value, str) and interface.plain(wanted.annotation) is not str:
        value = _read(value, wanted.annotation)
    try:
        return interface.constant(owner, wanted, value)
    except DeclarationError as error:
        error.next = _set(parameter)
        raise


def _set(parameter: Parameter) -> str:
    """How a parameter is given a value of its type; an ellipsis where that does not say what one is like."""
    others = {"span": "2026-01-01/2026-02-01", "path": "FILE", "dataset": f"{parameter.name}@12"}
    example = others.get(parameter.kind) or _EXAMPLES.get(parameter.type.partition(" | ")[0], "…")
    return f"--set {parameter.name}={example}"


def _read(text: str, annotation: Any) -> Any:
    """Text as what is asked for, or as it is: the check that follows says what is wrong."""
    if text in ("none", "null") and type(None) in getattr(annotation, "__args__", ()):
        return None
    with contextlib.suppress(msgspec.ValidationError, TypeError):
        return msgspec.convert(text, annotation, strict=False)
    with contextlib.suppress(msgspec.DecodeError):
        return msgspec.json.decode(text)
    return text
