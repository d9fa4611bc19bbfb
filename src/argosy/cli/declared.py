"""What a fleet declares, in the words of its project."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection

from argosy.controller.condition import rule
from argosy.spec.document import recorded
from argosy.spec.fleet import Fleet
from argosy.store import declarations


def fleet(conn: Connection, name: str) -> dict[str, Any]:
    """What a fleet asks for: label, gates, rollout, monitors and retrain condition; nothing of one withdrawn."""
    found = declarations.get(conn, "fleet", name)
    wanted = recorded(found.body) if found is not None else None
    if not isinstance(wanted, Fleet):
        return {}
    return {
        "spine": wanted.spine, "by": list(wanted.by), "label": wanted.label.column, "lead": wanted.lead,
        "gates": [each.name for each in wanted.gates], "rollout": _written(wanted.rollout),
        "monitors": [_written(each) for each in wanted.monitors], "retrain": rule(wanted.retrain),
    }  # fmt: skip


def _written(declaration: msgspec.Struct) -> str:
    """A declaration as a project writes it: what is left at its default is left out."""
    said = [
        f"{field.name}={getattr(declaration, field.name)!r}"
        for field in msgspec.structs.fields(declaration)
        if getattr(declaration, field.name) != field.default
    ]
    return f"{type(declaration).__name__}({', '.join(said)})"
