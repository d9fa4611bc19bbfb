"""Git, asked about a directory."""

from __future__ import annotations

import subprocess
from pathlib import Path

_PATIENCE_S = 10


def ask(root: Path, *arguments: str) -> str | None:
    """What git prints, called in a directory with paths as they are; None where it cannot answer."""
    try:
        done = subprocess.run(
            ["git", "--literal-pathspecs", "-C", str(root), *arguments],
            capture_output=True, text=True, encoding="utf-8", errors="surrogateescape", timeout=_PATIENCE_S,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
