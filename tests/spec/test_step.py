from __future__ import annotations

import inspect
from typing import Any

import polars as pl
import pytest

import argosy as ag
from argosy.errors import DeclarationError, UnknownError
from argosy.spec import step as stepping
from argosy.spec.step import Options
from tests.spec import stepping as s

_ROWS = pl.DataFrame({"name": ["b", "a", "b", "c", "a"]})


def test_a_step_is_an_ordinary_function() -> None:
    assert s.shout("a") == "A"
    train, test = s.split(_ROWS, test=0.4)
    assert (train.height, test.height) == (3, 2)
    assert (s.split.__name__, s.split.name, repr(s.split)) == ("split", "split", "<step split>")
    assert list(inspect.signature(s.split).parameters) == ["rows", "test"]
    assert stepping.known(s.split.function) is s.split


def test_map_and_reduce_are_loops() -> None:
    assert s.fit.map(_ROWS, name=["a", "b"], depth=2) == [{"a": 10}, {"b": 10}]
    assert s.fit.map(_ROWS, ["a", "b"], depth=(1, 2)) == [{"a": 5}, {"b": 10}]
    assert s.merge.reduce([{"a": 1}, {"b": 2}, {"c": 3}]) == {"a": 1, "b": 2, "c": 3}
    assert s.report.map(ag.whole([{"a": 1}]), day=[None, None]) == ["1 models", "1 models"]
    assert s.split.map([_ROWS, _ROWS])[0][1].height == 4
    assert s.split.map([]) == ([], [])
    with pytest.raises(DeclarationError, match=r"lists is {'name': 1, 'depth': 2}"):
        s.fit.map(_ROWS, ["a"], depth=[1, 2])
    with pytest.raises(DeclarationError, match="empty list"):
        s.merge.reduce([])


def test_a_loop_keeps_going_if_it_is_to() -> None:
    with pytest.raises(TypeError):
        s.good.map(["four", None])
    assert s.good.map(["four", None, "a"], keep_going=True) == [True, False]


def test_a_choice_is_a_choice() -> None:
    assert ag.when(True, lambda: 1, lambda: 2) == 1
    assert ag.when([], lambda: 1, lambda: 2) == 2
    assert ag.when(0, lambda: 1) is None


def test_a_pipeline_is_an_ordinary_function() -> None:
    text, test = s.nightly(pl.DataFrame({"name": ["b", "a", "c", "d"]}), depth=1)
    assert (text, test.height) == ("2 MODELS", 1)


def test_a_fleet_is_trained_in_a_pipeline_only() -> None:
    with pytest.raises(DeclarationError, match="works in a pipeline only"):
        ag.trained("late-arrival")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"name": "Fit"}, "step.name is 'Fit'"),
        ({"name": "fit", "retries": -1}, "Options('fit').retries is -1"),
        ({"name": "fit", "retries": 101}, "a number between 0 and 100"),
        ({"name": "fit", "timeout": "soon"}, "step('fit').timeout is 'soon'"),
        ({"name": "fit", "memory": "2 apples"}, "step('fit').memory is '2 apples'; it must be a size"),
        ({"name": "fit", "cache": "never"}, "step('fit').cache is 'never'"),
        ({"name": "fit", "environment": "TZ"}, "step('fit').environment is 'TZ'; it must be a list"),
        ({"name": "fit", "priority": 200}, "a number between -100 and 100"),
        ({"name": "fit", "limit": "gpu"}, "step('fit').limit is 'gpu'; it must be a limit such as ag.Limit("),
    ],
)
def test_options_that_make_no_sense_are_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        Options(**given)
    assert words in caught.value.message


def test_an_option_that_there_is_not_is_named_with_the_one_that_is_meant() -> None:
    with pytest.raises(DeclarationError, match=r"step\('shout'\)'s option is 'retry'; it must be one of") as caught:
        ag.step(**{"retry": 2})(s.shout.plain)
    assert caught.value.next == "use 'retries'"


def test_options_have_one_form() -> None:
    options = Options(name="fit", timeout="60m", memory="1.5GiB", cache="24h", environment=["TZ"])  # type: ignore[arg-type]
    assert (options.timeout, options.seconds, options.bytes) == ("1h", 3600.0, 3 * 2**29)
    assert (options.cache, options.environment) == ("1d", ("TZ",))


def test_limits_have_names_and_slots() -> None:
    assert ag.Limit("gpu", 2).slots == 2
    for name, slots in (("GPU", 2), ("gpu", 0)):
        with pytest.raises(DeclarationError):
            ag.Limit(name, slots)


def test_a_step_has_a_place_and_an_honest_signature() -> None:
    with pytest.raises(DeclarationError, match="a function defined with def at the top of a module"):

        @ag.step
        def inner() -> int:
            return 1

    with pytest.raises(DeclarationError, match="takes an argument 'keep_going'"):
        _taken.interface  # noqa: B018 - asking is the test
    with pytest.raises(UnknownError, match="there is no step nowhere:it"):
        stepping.known("nowhere:it")


@ag.step(name="taken")
def _taken(keep_going: bool) -> bool:
    return keep_going
