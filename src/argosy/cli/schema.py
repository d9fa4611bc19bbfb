"""`argosy schema`: the JSON Schema of declarations."""

from __future__ import annotations

from argosy.cli import show
from argosy.spec import document


def schema() -> int:
    """Print the JSON Schema (2020-12) of every declaration, for editors and other programs.

    For example:
      argosy schema > schema.json
    """
    show.emit(document.schema())
    return 0
