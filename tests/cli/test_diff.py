"""argosy diff: in what two runs differ."""

from __future__ import annotations

from tests.cli.pipes import Pipes


def test_two_runs_differ_in_what_they_were_asked_for_and_in_what_came_of_it(run, ran: Pipes) -> None:
    found = run("diff", "run", 1, 3, "--json").json()
    assert found["parameters"] == {"power": [0.5, 2.0]} and found["inputs"] == {}
    assert found["code"] == ["code of pipes:total: changed"]
    assert {"-    return sum(xs)", "+    return sum(xs) + 0"} <= set(found["patch"])
    assert list(found["results"]) == ["total"]
    assert [(each["element"], each["values"]) for each in found["metrics"]] == [(2, [2**0.5, 4.0]), (3, [3**0.5, 9.0])]
    steps = {each["step"]: each["counts"] for each in found["steps"]}
    assert steps["numbers"] == [{"executed": 1}, {"cached": 1}]
    for step in found["steps"]:  # how long a call takes is noise, unless it is long
        (one, two), (first, second) = step["counts"], step["cpu_s"]
        assert one != two or abs(first - second) > 0.1, step
    said = run("diff", "run", 1, 3).out
    assert "\ncode\n  --- a/pipes.py\n" in said
    assert "power: 0.5 -> 2" in said and "root[3] root: 1.732 -> 9" in said
    assert "total: other content: value " in said and "numbers: 1 done -> 1 cached" in said


def test_a_result_that_one_of_them_lacks_is_told(run, ran: Pipes) -> None:
    said = run("diff", "run", 2, 3).out
    assert "total: in one of them only" in said and "total: 1 skipped -> 1 done" in said
    assert "parameters" not in said


def test_a_run_is_like_itself(run, ran: Pipes) -> None:
    assert "they are alike" in run("diff", "run", 1, 1).out


def test_what_cannot_be_compared_is_said(run, ran: Pipes) -> None:
    assert "there is no run 5" in run("diff", "run", 1, 5).err
    assert run("diff", "run", "one", "two").code == run("diff", "fleet", 1, 2).code == 2
