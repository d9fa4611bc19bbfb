"""The commands by name. Each is imported when it is called: `argosy --help` loads none of them."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from importlib.metadata import version
from typing import Final

from cyclopts import App, CycloptsError, Group

from argosy.cli import show
from argosy.errors import ArgosyError

FAILED, USAGE, INTERRUPTED = 1, 2, 130

_GROUPS: Final = {
    "Start": (
        ("init", "Write a small project that runs."),
        ("demo", "Replay a year of flights: a fleet trains, serves, drifts and retrains."),
        ("up", "Start console, API, controller and inference server."),
        ("serve", "Start the inference server alone."),
    ),
    "Declare": (
        ("plan", "Show what would change, for which members, why, and what it will cost."),
        ("apply", "Record a project's declarations; the controller does the rest."),
        ("schema", "Print the JSON Schema of declarations."),
    ),
    "Look": (
        ("get", "List members, versions, events or any other kind."),
        ("describe", "Show all that is known of one thing."),
        ("read", "Show the rows of a version of a dataset, or write them to a file."),
        ("why", "Explain a member, a version, a dataset or a run, and why nothing happens."),
        ("explain", "Show how much each feature moved the answer to a row."),
        ("lineage", "Show what a thing was made from and what came of it."),
        ("runs", "List runs of pipelines: states, times, what their calls came to."),
        ("logs", "Show what the steps of a run wrote."),
        ("diff", "Show in what two runs of pipelines differ."),
        ("compare", "Show in what several tracked runs differ."),
        ("history", "Show who changed what of an experiment, a run or a model."),
        ("events", "Show what happened, or follow it."),
        ("doctor", "Check this installation and its home."),
    ),
    "Act": (
        ("train", "Train a fleet, or some of its members, now."),
        ("run", "Run a pipeline, and use again what was done before."),
        ("reproduce", "Do a run or a training once more, and tell what differs."),
        ("export", "Write a file that has another scheduler start a pipeline."),
        ("retry", "Go on with a run that failed, was cancelled or was cut off."),
        ("cancel", "End a run, wherever it is at work."),
        ("backfill", "Run a pipeline over a range of time."),
        ("pause", "Let a pipeline start no runs by itself."),
        ("resume", "Let a paused pipeline start by itself again."),
        ("predict", "Score the rows of a file as the inference server would."),
        ("stream", "Answer rows that arrive as messages of Redis or Kafka."),
        ("package", "Pack a version so that it predicts without Argosy."),
        ("optimise", "Make smaller models of a version, for the gates to judge."),
        ("approve", "Grant or refuse what a gate waits for."),
        ("promote", "Make a version the one that answers."),
        ("rollback", "Undo the last change of who answers."),
        ("route", "Say who answers the rows of one caller."),
        ("import", "Bring what another MLflow keeps into the home."),
        ("delete", "Put an experiment, a tracked run or a model into the trash."),
        ("restore", "Take it out of the trash again."),
        ("token", "List, make or end the tokens that open the servers."),
    ),
}

PLACES: Final = {"import": "imports"}
"""Modules of commands whose names no module of Python may have, and their functions."""
NAMES: Final = tuple(name for commands in _GROUPS.values() for name, _ in commands)
_EPILOGUE = """Exit codes: 0 done, 1 failed, 2 used wrongly, 3 differences found (plan --check, reproduce).
Data goes to stdout, words to stderr; --json gives programs the same data."""


def build(name: str | None = None) -> App:
    """The application: all commands by their import path, or the one of a name with the help that it writes itself."""
    app = App(
        name="argosy",
        help="Keep fleets of models trained, gated, served, watched and explained.",
        help_format="plaintext",
        help_epilogue=_EPILOGUE,
        version=lambda: version("argosy"),
        result_action="return_value",
        suppress_keyboard_interrupt=False,
    )
    for place, (title, commands) in enumerate(_GROUPS.items()):
        group = Group(title, sort_key=place)
        for order, (each, about) in enumerate(commands):
            module = PLACES.get(each, each)
            if name is None:
                app.command(f"argosy.cli.{module}:{module}", name=each, help=about, group=group, sort_key=order)
            elif each == name:
                app.command(f"argosy.cli.{module}:{module}", name=each)
    return app


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command; every way in which it may end becomes an exit code and at most a few lines."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    debug = os.environ.get("ARGOSY_DEBUG", "") not in ("", "0")
    name = given[0] if given and not given[0].startswith("-") else None
    if name is not None and name not in NAMES:
        near = "".join(f"{each} " for each in get_close_matches(name, NAMES, 1))
        show.say(f"argosy: there is no command {name!r}", f"  next: argosy {near}--help")
        return USAGE
    try:
        done = build(name)(given, exit_on_error=False, print_error=False)
        sys.stdout.flush()
    except CycloptsError as error:
        show.say(f"argosy: {error}", f"  next: argosy {f'{name} ' if name else ''}--help")
        return USAGE
    except ArgosyError as error:
        if debug:
            raise
        show.say(f"argosy: {error}")
        return error.exit_code
    except KeyboardInterrupt:
        show.say("argosy: interrupted; what was committed stays, the rest was not begun")
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read stdout has left; nothing may be written to it any more, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except Exception as error:
        if debug:
            raise
        show.say(
            f"argosy: {type(error).__name__}: {str(error)[:500]}",
            "  next: this is a defect of Argosy; run it again with ARGOSY_DEBUG=1 and report what it prints",
        )
        return FAILED
    return done if isinstance(done, int) else 0
