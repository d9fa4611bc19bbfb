from __future__ import annotations

import pathlib
from datetime import UTC, date, datetime
from typing import Any

import msgspec
import pytest

import argosy as ag
from argosy.errors import DeclarationError
from argosy.spec import document
from argosy.spec.graph import Data
from argosy.spec.pipeline import Parameter
from argosy.spec.project import Project
from tests.spec import stepping as s


class Split(msgspec.Struct):
    share: float


@ag.pipeline
def typed(
    flights: ag.Dataset, day: date, span: ag.Span, path: pathlib.Path, split: Split, limit: int | None = None,
    names: list[str] = ["a"],  # noqa: B006 - read as a default, never changed
    rate: float = 1.0, quiet: bool = False, text: str = "",
) -> Any:  # fmt: skip
    return [s.loose(text)]


_GIVEN = {"day": "2013-01-05", "span": "2013-01-01/2013-02-01", "path": "rows.csv", "split": '{"share": 0.2}'}


def test_a_pipeline_is_a_declaration() -> None:
    found = document.decode(document.encode(s.nightly))
    assert found == s.nightly
    assert (s.nightly.description, s.nightly.on_failure) == ("Fit each name, every night.", "tests.spec.stepping:told")
    assert s.nightly.by_itself and not typed.by_itself
    assert typed.parameters[0] == Parameter(name="flights", kind="dataset", type="Dataset")
    assert [each.kind for each in typed.parameters[1:5]] == ["value", "span", "path", "value"]
    assert [each.required for each in typed.parameters] == [False, *[True] * 4, *[False] * 5]
    assert typed.span == "span"


def test_parameters_are_read_as_what_is_asked_for() -> None:
    found = typed.arguments(
        _GIVEN | {"flights": "flights@12", "limit": "none", "names": '["x", "y"]', "rate": "2", "quiet": "true"}
    )
    assert found == {
        "flights": Data("flights", 12), "day": date(2013, 1, 5), "path": pathlib.Path("rows.csv"), "split": Split(0.2),
        "span": ag.Span(datetime(2013, 1, 1, tzinfo=UTC), datetime(2013, 2, 1, tzinfo=UTC)),
        "limit": None, "names": ["x", "y"], "rate": 2.0, "quiet": True, "text": "",
    }  # fmt: skip
    assert typed.arguments(_GIVEN | {"limit": "7", "text": "7"})["limit"] == 7
    assert typed.arguments(_GIVEN)["flights"] == Data("flights")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "pipeline typed needs its parameter 'day'"),
        (_GIVEN | {"deph": 1}, "pipeline typed's parameter is 'deph'; it must be one of"),
        (_GIVEN | {"day": "soon"}, "argument day is 'soon'; it must be date"),
        (_GIVEN | {"rate": "fast"}, "argument rate is 'fast'; it must be float"),
        (_GIVEN | {"span": "2013-01-01"}, "parameter span is '2013-01-01'"),
        (_GIVEN | {"path": ""}, "parameter path is ''; it must be the path of a file or a directory"),
        (_GIVEN | {"flights": "flights@last"}, "parameter flights is 'flights@last'"),
        (_GIVEN | {"split": "{}"}, "argument split is {}; it must be Split"),
    ],
)
def test_parameters_that_do_not_fit_are_named(given: dict[str, Any], words: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        typed.arguments(given)
    assert words in caught.value.message and caught.value.next


@pytest.mark.parametrize(
    ("given", "next"),
    [
        ({}, "--set day=2026-01-31"),
        (_GIVEN | {"day": "soon"}, "--set day=2026-01-31"),
        (_GIVEN | {"names": "a"}, """--set names='["a", "b"]'"""),
        (_GIVEN | {"limit": "x"}, "--set limit=8"),
        (_GIVEN | {"split": "{}"}, "--set split=…"),
        ({"day": "2026-01-31"}, "--set span=2026-01-01/2026-02-01"),
    ],
)
def test_what_to_do_next_is_written_as_a_command_takes_it(given: dict[str, Any], next: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        typed.arguments(given)
    assert caught.value.next == next
    name, _, value = next.removeprefix("--set ").partition("=")
    if value != "…":
        assert name in typed.arguments(_GIVEN | {name: value.strip("'")})


def _unfinished(depth: int) -> Any:
    return s.loose(depth)


def _crooked(depth: int = 3) -> Any:
    return s.shout(depth)


def _two(a: ag.Span, b: ag.Span) -> Any: ...


@pytest.mark.parametrize(
    ("function", "options", "words"),
    [
        (_unfinished, {"schedule": "6h"}, r"parameter depth has no default, and nobody gives it a"),
        (_unfinished, {"schedule": "sometimes"}, r"Cron.text is 'sometimes'"),
        (_unfinished, {"on": "flights"}, r"pipeline\('it'\).on"),
        (_unfinished, {"on_failure": s.fit}, "a step of one argument"),
        (_unfinished, {"on_failure": _crooked}, "a step that takes one ag.Failed"),
        (_unfinished, {"concurrency": "often"}, "it must be one of allow, forbid, replace"),
        (_unfinished, {"shedule": "6h"}, r"pipeline\('it'\)'s option is 'shedule'; it must be one of catch_up, "),
        (_two, {}, "at most one"),
    ],
)
def test_what_a_pipeline_cannot_be_is_told_at_once(function: Any, options: dict[str, Any], words: str) -> None:
    with pytest.raises(DeclarationError, match=words):
        ag.pipeline(name="it", **options)(function)


def test_a_wrong_call_shows_when_the_project_is_checked() -> None:
    with pytest.raises(DeclarationError, match="step shout's argument text is 3; it must be str"):
        ag.pipeline(name="it")(_crooked).check()
    typed.check()
    s.nightly.check()


def test_a_project_has_pipelines_which_do_not_wait_for_one_another_in_a_circle() -> None:
    project = Project.of([s.flights, s.nightly, s.prepare])
    assert list(project.pipelines) == ["nightly", "prepare"]
    assert project.functions(s.nightly) == ("tests.spec.stepping:nightly", "tests.spec.stepping:told")
    assert project.declarations()[-2:] == [s.nightly, s.prepare]
    one = ag.pipeline(name="one", on=ag.after("two"))(_crooked)
    two = ag.pipeline(name="two", on=ag.after("one"))(_crooked)
    with pytest.raises(DeclarationError, match="after none that waits for it") as caught:
        Project.of([one, two])
    assert "one -> two -> one" in caught.value.next
