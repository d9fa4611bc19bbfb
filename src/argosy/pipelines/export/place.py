"""Where an exported run finds its home: the names that files refer to, and never what is behind them."""

from __future__ import annotations

from typing import Any

SECRET, KEY = "argosy", "home"
"""The Kubernetes Secret, and its key, that holds the URL of the home."""

CLAIM, MOUNT = "argosy", "/var/lib/argosy"
"""The claim of the volume that holds the blobs, and where it is mounted."""

BLOBS = f"{MOUNT}/blobs"


def needs(where: str) -> tuple[str, ...]:
    """In words, for the comment of a file."""
    return (
        f"It needs a Secret {SECRET!r} {where}, whose key {KEY!r} is the postgresql:// URL of the home,",
        f"and a PersistentVolumeClaim {CLAIM!r} (ReadWriteMany) for blobs, mounted at {MOUNT}.",
    )


def variables() -> list[dict[str, Any]]:
    """The environment of a Kubernetes container."""
    return [
        {"name": "ARGOSY_HOME", "valueFrom": {"secretKeyRef": {"name": SECRET, "key": KEY}}},
        {"name": "ARGOSY_BLOBS", "value": BLOBS},
    ]
