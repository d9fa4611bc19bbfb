"""A pipeline as a workflow of GitHub Actions, on machines of one's own: others do not reach the blobs."""

from __future__ import annotations

import shlex
from typing import Any

from argosy.errors import UsageError
from argosy.pipelines.export import cron, document
from argosy.pipelines.export.order import Entry, Order
from argosy.pipelines.export.written import Written, head, left_out

TITLE = "GitHub Actions"

INPUTS = 25
"""How many inputs a workflow may ask for."""

SOONEST = 5
"""The least minutes between two scheduled starts."""

_MARK = "${{"
_NEEDS = (
    "It needs a runner of your own (self-hosted) that has argosy; a secret ARGOSY_HOME, the postgresql:// URL of the",
    "home; and a variable ARGOSY_BLOBS, the directory of its blobs, which all runners see.",
)


def write(order: Order) -> Written:
    """The workflow. A `${{` in a text is refused, as GitHub would read it as its own; a default that has one stays out.

    Raises UsageError also for a schedule that has no cron text in UTC, and for what a scheduled run would lack.
    """
    _readable(order)
    times = _times(order)
    entries = _asked(order)
    more = [each.name for each in order.entries() if each not in entries and each.name not in order.given]
    limit = f"{TITLE} asks for {INPUTS} at most, and for none whose default holds {_MARK}"
    notes = (
        *left_out(order, TITLE), *(f"parameter {each}; {limit}, so it stays as it is" for each in more),
        *_policies(order, times),
    )  # fmt: skip
    return Written(head(order, TITLE, _NEEDS, notes) + document.write([_workflow(order, entries, times)]), notes)


def _readable(order: Order) -> None:
    given = {f"parameter {name}": text for name, text in order.given.items()}
    for what, text in {**given, "--project": order.project or "", "--image": order.image or ""}.items():
        if _MARK in text:
            raise UsageError(f"{what} holds {_MARK!r}, which {TITLE} reads as its own", next="write it otherwise")


def _times(order: Order) -> str | None:
    text = cron.universal(order)
    if text is None:
        return None
    if cron.gap(text) < SOONEST:
        raise UsageError(f"{TITLE} starts nothing more often than every {SOONEST} minutes, and pipeline "
                         f"{order.pipeline.name} is due after {cron.gap(text)}", next="--unscheduled")  # fmt: skip
    for each in order.pipeline.parameters:
        if each.required and each.name not in order.given:
            raise UsageError(f"{TITLE} gives a scheduled run no {each.name!r}, and that has no default",
                             next=f"--set {each.name}=…, or --unscheduled")  # fmt: skip
    return text


def _asked(order: Order) -> list[Entry]:
    return [each for each in order.entries() if _MARK not in (each.text or "")][:INPUTS]


def _policies(order: Order, times: str | None) -> tuple[str, ...]:
    if times is None:
        return ()
    missed = {"none": ()}.get(order.pipeline.catch_up, (
        f"catch_up={order.pipeline.catch_up!r}; {TITLE} makes up for no time that it missed",
    ))  # fmt: skip
    zone = getattr(order.pipeline.schedule, "zone", "UTC")
    moved = () if zone == "UTC" else (f"zone {zone!r}; {TITLE} knows UTC alone, so the same times are written in that",)
    return (*missed, *moved)


def _workflow(order: Order, entries: list[Entry], times: str | None) -> dict[str, Any]:
    inputs = {"inputs": {each.name: _input(each) for each in entries}} if entries else {}
    jobs: dict[str, Any] = {}
    if order.shards > 1:
        jobs["shard"] = {
            **_machine(order),
            "continue-on-error": True,
            "strategy": {"fail-fast": False, "matrix": {"shard": [*range(1, order.shards + 1)]}},
            "steps": _steps(order, entries, {"SHARD": f"{_MARK} matrix.shard }}}}/{order.shards}"}),
        }
    after = {"needs": "shard", "if": f"{_MARK} !cancelled() }}}}"} if jobs else {}
    jobs["run"] = {**after, **_machine(order), "steps": _steps(order, entries, {})}
    return {
        "name": order.pipeline.name,
        "on": {**({"schedule": [{"cron": times}]} if times else {}), "workflow_dispatch": inputs},
        "permissions": {"contents": "read"}, **_concurrency(order),
        "env": {
            "ARGOSY_HOME": f"{_MARK} secrets.ARGOSY_HOME }}}}", "ARGOSY_BLOBS": f"{_MARK} vars.ARGOSY_BLOBS }}}}",
        },
        "jobs": jobs,
    }  # fmt: skip


def _input(entry: Entry) -> dict[str, Any]:
    kind = "number" if entry.type == "integer" else entry.type
    given = {"required": True} if entry.text is None else {"default": entry.value}
    return {"description": f"Parameter {entry.name}", "type": kind, **given}


def _concurrency(order: Order) -> dict[str, Any]:
    policy = order.pipeline.concurrency
    group = {"group": f"argosy-{order.pipeline.name}", "cancel-in-progress": policy == "replace"}
    return {} if policy == "allow" else {"concurrency": group}


def _machine(order: Order) -> dict[str, Any]:
    return {"runs-on": "self-hosted", **({"container": {"image": order.image}} if order.image else {})}


def _steps(order: Order, entries: list[Entry], variables: dict[str, str]) -> list[dict[str, Any]]:
    """Steps whose script holds no text that GitHub fills in: that comes through the environment."""
    given = {f"SET_{each.name}": f"{_MARK} inputs.{each.name} }}}}" for each in entries}
    env = {**variables, **given}
    run = {"name": f"Run {order.pipeline.name}", **({"env": env} if env else {}), "shell": "bash"}
    return [{"uses": "actions/checkout@v4"}, {**run, "run": _script(order, entries, "SHARD" in variables)}]


def _script(order: Order, entries: list[Entry], shard: bool) -> str:
    asked = {each.name for each in entries}
    always = [f"--set={name}={text}" for name, text in order.given.items() if name not in asked]
    fixed = [f"--set={name}={text}" for name, text in order.given.items() if name in asked]
    chosen = [f'"--set={each.name}=$SET_{each.name}"' for each in entries]
    command = f"argosy {shlex.join(order.words(*always))}" + (' "--shard=$SHARD"' if shard else "")
    if not entries:
        return f"{command}\n"
    return "\n".join([
        f"set -- {shlex.join(fixed)}".rstrip(),
        'if [ "$GITHUB_EVENT_NAME" = workflow_dispatch ]; then',
        f"  set -- {' '.join(chosen)}",
        "fi",
        f'{command} "$@"',
        "",
    ])  # fmt: skip
