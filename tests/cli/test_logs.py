"""argosy logs: what steps wrote."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec
import pytest

from tests.cli.pipes import Pipes


def test_each_line_says_whose_it_is(run, ran: Pipes) -> None:
    lines = run("logs", 2).out.splitlines()
    assert lines[:4] == ["numbers | counting to 4", "root[0] | root of 0", "root[1] | root of 1", "root[2] | root of 2"]
    assert lines[4] == "root[2] | breaks"  # what a terminal would show of a line that was written over
    assert lines[-2:] == ["root[2] | ValueError: no root of 2", "root[3] | root of 3"]


def test_the_log_of_one_call_stands_alone(run, ran: Pipes) -> None:
    assert run("logs", 2, "--step", "root", "--element", "1").out == "root of 1\n"
    assert run("logs", 2, "--element", "3").out == "root of 3\n"
    said = run("logs", 2, "--failed").out.splitlines()
    assert said[0] == "root of 2" and said[-1] == "ValueError: no root of 2" and "Traceback" in said[2]
    assert said[3].startswith('  File "pipes.py", line ') and said[3].endswith(", in root") and len(said) == 6


def test_lines_are_found_by_their_text(run, ran: Pipes) -> None:
    assert run("logs", 2, "--grep", "ROOT OF 3").out == "root[3] | root of 3\n"
    none = run("logs", 2, "--grep", "nothing like it")
    assert none.out == "" and none.err == "nothing of run 2 (its steps) holds 'nothing like it'\n"


def test_the_last_lines_are_shown_and_the_rest_is_told_of(run, ran: Pipes) -> None:
    cut = run("logs", 2, "--limit", "2")
    assert cut.out == "root[2] | ValueError: no root of 2\nroot[3] | root of 3\n"
    assert "lines and 3 logs before these left out" in cut.err
    assert run("logs", 2, "--limit", "0").code == 2


def test_json_holds_each_log_whole(run, ran: Pipes) -> None:
    entries = [msgspec.json.decode(line) for line in run("logs", 2, "--json", "--limit", "1").out.splitlines()]
    assert [(each["node"], each["element"]) for each in entries] == [("numbers", -1), *(("root", n) for n in range(4))]
    assert entries[3]["text"] == "root of 2\n\x1b[31mit will\rbreaks\x1b[0m\n"
    assert (
        entries[3]["reason"] == "exception: ValueError: no root of 2" and "raise ValueError" in entries[3]["traceback"]
    )


def test_what_was_cached_tells_what_it_wrote_then(run, ran: Pipes) -> None:
    assert run("logs", 3, "--step", "root").out.splitlines() == [f"root[{n}] | root of {n}" for n in range(4)]
    none = run("logs", 3, "--failed")
    assert none.code == 0 and none.out == "" and "nothing of run 3 (its steps) failed" in none.err


def test_what_was_left_out_when_it_was_written_is_told(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "loud.py").write_text(
        "import argosy as ag\n\n@ag.step\ndef shout(n: int) -> int:\n    print(('x' * 63 + '\\n') * n)\n    return n\n"
        "\n@ag.pipeline\ndef loud(n: int = 40_000):\n    return shout(n)\n"
    )
    monkeypatch.chdir(tmp_path)
    assert run("run", "loud").code == 0
    entry = run("logs", 1, "--json").json()
    written = 40_000 * 64 + 1
    assert f"\n[{entry['lost']} bytes left out]\n" in entry["text"]
    assert len(entry["text"].replace(f"\n[{entry['lost']} bytes left out]\n", "")) + entry["lost"] == written
    cut = run("logs", 1).err
    assert "--json has all that was kept\n" in cut
    assert "1.44 MiB of what was written was not kept, nor has --json it: 1 MiB of a log is kept\n" in cut
    assert run("run", "loud", "--set", "n=10").code == 0
    assert "not kept" not in run("logs", 2).err


def test_what_is_not_there_is_said(run, ran: Pipes) -> None:
    unknown = run("logs", 2, "--step", "fit")
    assert unknown.code == 2 and "run 2 of roots has no step 'fit'" in unknown.err
    assert "numbers, root, total, many, tell, when, stamp" in unknown.err
    missing = run("logs", 7)
    assert missing.code == 2 and "there is no run 7" in missing.err and "the last one is 3" in missing.err


@pytest.mark.slow
def test_a_run_at_work_is_followed_to_its_end(run, pipes: Pipes, monkeypatch) -> None:
    monkeypatch.setenv("PIPES_SLEEP", "0.4")
    process = pipes.start("run", "roots", "--set", "n=6")
    try:
        pipes.wait(1, "running", executed=1)
        followed = run("logs", 1, "--follow")
    finally:
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert sorted(followed.out.splitlines()) == [
        "numbers | counting to 6",
        *(f"root[{n}] | root of {n}" for n in range(6)),
    ]
    assert "run 1 is not at work: succeeded" in followed.err


@pytest.mark.slow
def test_what_a_step_writes_is_there_while_it_is_at_work(run, pipes: Pipes, monkeypatch) -> None:
    monkeypatch.setenv("PIPES_SLEEP", "4")
    process = pipes.start("run", "roots", "--set", "n=1")
    try:
        deadline = time.monotonic() + 60
        while not (shown := run("logs", 1, "--step", "root") if pipes.home.exists() else None) or not shown.out:
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.1)
        assert shown.out == "root of 0\n" and "root[0] is at work, for " in shown.err
        (told,) = map(msgspec.json.decode, run("logs", 1, "--step", "root", "--json").out.splitlines())
        assert (told["state"], told["text"], told["lost"]) == ("running", "root of 0\n", 0)
        assert run("logs", 1, "--failed", "--json").out == ""
        assert "\n  at work     root[0] for " in run("describe", "run", 1).out
        followed = run("logs", 1, "--follow")
    finally:
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert sorted(followed.out.splitlines()) == ["numbers | counting to 1", "root[0] | root of 0"]
    assert run("logs", 1, "--step", "root").out == "root of 0\n"
