"""Pages: each a function from a read-only snapshot to HTML.

`console.fleet` imports the module of a page when it is first asked for: what fleets are shown with loads Polars and
NumPy, and a server that is started for something else, or just now, needs neither.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from argosy.console import (
        alarm,
        ancestry,
        artifact,
        compare,
        experiment,
        experiments,
        facts,
        feed,
        fleet,
        home,
        live,
        logged,
        member,
        models,
        page,
        paper,
        planned,
        prediction,
        preview,
        run,
        runs,
        step,
        table,
        tracked,
        trail,
        why,
    )

__all__ = [
    "alarm", "ancestry", "artifact", "compare", "experiment", "experiments", "facts", "feed", "fleet", "home", "live",
    "logged", "member", "models", "page", "paper", "planned", "prediction", "preview", "run", "runs", "step", "table",
    "tracked", "trail", "why",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"{__name__}.{name}")
