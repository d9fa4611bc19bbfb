"""argosy run, as far as a process of its own is needed."""

from __future__ import annotations

import signal

import pytest

from tests.cli.pipes import Pipes


@pytest.mark.slow
def test_ctrl_c_ends_a_run_and_what_is_done_is_not_done_again(run, pipes: Pipes, monkeypatch) -> None:
    monkeypatch.setenv("PIPES_SLEEP", "0.3")
    process = pipes.start("run", "roots", "--set", "n=40")
    pipes.wait(1, "running", executed=4)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 130 and "interrupted" in said, said
    assert pipes.state(1) == "cancelled"
    before = pipes.done()
    monkeypatch.delenv("PIPES_SLEEP")
    again = run("run", "roots", "--set", "n=40")
    assert again.code == 0 and "run 2 succeeded" in again.err
    assert len(set(before) & set(pipes.done())) <= 4  # what was at work
