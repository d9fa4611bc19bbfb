"""Lineage of what runs of pipelines gave."""

from __future__ import annotations

from tests.cli.conftest import Run
from tests.cli.pipes import Pipes


def test_an_artifact_is_led_back_by_the_beginning_of_its_digest(run: Run, ran: Pipes) -> None:
    made = run("describe", "run", 1, "--json").json()["results"]
    digest = next(each["digest"] for each in made if each["name"] == "total")
    shown = run("lineage", "artifact", digest[:10])
    assert shown.code == 0 and shown.out.splitlines()[0] == f"artifact {digest}" and "step at " in shown.out
    assert run("lineage", f"artifact:{digest[:10]}").out == shown.out
    lost = run("lineage", "artifact", "abcdef" * 4)
    assert lost.code == 2 and "there is no artifact abcdef" in lost.err
