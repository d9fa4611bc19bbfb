"""Topics: the answer to why, question by question."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from argosy.controller.condition import Explanation


class Topic(msgspec.Struct, frozen=True):
    """One question with its answer: a sentence, details one a line, and the tree of a condition where there is one."""

    title: str
    says: str
    details: tuple[str, ...] = ()
    tree: Explanation | None = None
    evidence: dict[str, Any] = {}


class Why(msgspec.Struct, frozen=True):
    """What is known of an address at a time; `kind` is member, version, fleet, dataset or pipeline."""

    address: str
    kind: str
    at: datetime
    summary: str
    topics: tuple[Topic, ...]
