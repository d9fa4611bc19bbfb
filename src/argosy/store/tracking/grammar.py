"""What each kind of search lets a filter ask, and what it may be ordered by: the same as MLflow's."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

Operators = frozenset[str]

NUMBER: Operators = frozenset({"=", "!=", ">", ">=", "<", "<="})
TEXT: Operators = frozenset({"=", "!=", "LIKE", "ILIKE"})
LIST: Operators = frozenset({"IN", "NOT IN"})
ABSENCE: Operators = frozenset({"IS NULL", "IS NOT NULL"})


class Grammar(msgspec.Struct, frozen=True, kw_only=True):
    """What one kind of search allows. Keys are case-sensitive, as entities are.

    `operators` gives those of an entity, or of each of its keys where only these exist; what takes `>` is a number.
    `orderable` gives the keys of an entity that order, None where any does. `aliases` are other names of attributes.
    `whole` numbers of attributes have no fraction, and may stand in quotes. `plain` values of text need no quotes.
    """

    noun: str
    entities: Mapping[str, str]
    operators: Mapping[str, Operators | Mapping[str, Operators]]
    orderable: Mapping[str, frozenset[str] | None]
    aliases: Mapping[str, str] = {}
    whole: bool = False
    plain: bool = False


def _spelt(**entities: str) -> dict[str, str]:
    """Spelling to entity, from each entity and its other spellings, which blanks part."""
    return {spelling: entity for entity, others in entities.items() for spelling in (entity, *others.split())}


_FREE = {"metric": "metrics", "parameter": "parameters param params", "tag": "tags"}

_RUN = {
    **dict.fromkeys(("artifact_uri", "run_name", "status", "user_id"), TEXT),
    "run_id": TEXT | LIST,
    **dict.fromkeys(("start_time", "end_time"), NUMBER),
}
RUNS = Grammar(
    noun="runs",
    entities=_spelt(attribute="attributes attr run", dataset="datasets", **_FREE),
    operators={
        "attribute": _RUN,
        "dataset": dict.fromkeys(("context", "digest", "name"), TEXT | LIST),
        "metric": NUMBER,
        "parameter": TEXT | ABSENCE,
        "tag": TEXT | ABSENCE,
    },
    orderable={"attribute": frozenset(_RUN), "metric": None, "parameter": None, "tag": None},
    aliases={
        **dict.fromkeys(("created", "Created"), "start_time"),
        **dict.fromkeys(("run name", "Run name", "Run Name"), "run_name"),
    },
)

_EXPERIMENT = {
    "name": TEXT,
    "experiment_id": frozenset({"=", "!="}) | LIST,
    **dict.fromkeys(("creation_time", "last_update_time"), NUMBER),
}
EXPERIMENTS = Grammar(
    noun="experiments",
    entities=_spelt(attribute="attributes", tag="tags"),
    operators={"attribute": _EXPERIMENT, "tag": TEXT | ABSENCE},
    orderable={"attribute": frozenset(_EXPERIMENT)},
    whole=True,
)

MODELS = Grammar(
    noun="registered models",
    entities=_spelt(attribute="", tag="tags"),
    operators={"attribute": {"name": TEXT | LIST}, "tag": TEXT},
    orderable={"attribute": frozenset({"name", "creation_timestamp", "last_updated_timestamp"})},
    aliases={"timestamp": "last_updated_timestamp"},
)

VERSIONS = Grammar(
    noun="model versions",
    entities=_spelt(attribute="", tag="tags"),
    operators={
        "attribute": {"name": TEXT | LIST, "run_id": TEXT | LIST, "source_path": TEXT, "version_number": NUMBER},
        "tag": TEXT,
    },
    orderable={"attribute": frozenset({"name", "version_number", "creation_timestamp", "last_updated_timestamp"})},
    whole=True,
)

_LOGGED = {
    **dict.fromkeys(("model_id", "model_type", "name", "source_run_id", "status"), TEXT | LIST),
    **dict.fromkeys(("creation_timestamp", "last_updated_timestamp"), NUMBER),
}
LOGGED = Grammar(
    noun="logged models",
    entities=_spelt(attribute="attributes attr run", **_FREE),
    operators={"attribute": _LOGGED, "metric": NUMBER, "parameter": TEXT | LIST, "tag": TEXT | LIST},
    orderable={"attribute": frozenset(_LOGGED), "metric": None},
    aliases={"creation_time": "creation_timestamp", "last_updated_time": "last_updated_timestamp"},
    plain=True,
)

_TRACE = {
    "client_request_id": TEXT | LIST, "name": TEXT | LIST, "request_id": TEXT | LIST, "run_id": frozenset({"="}) | LIST,
    "status": TEXT | LIST, "text": frozenset({"LIKE", "ILIKE"}),
    **dict.fromkeys(("timestamp_ms", "execution_time_ms", "end_time_ms"), NUMBER),
}  # fmt: skip
TRACES = Grammar(
    noun="traces",
    entities=_spelt(
        attribute="attributes attr trace", metadata="request_metadata", tag="tags", span="", feedback="", expectation=""
    ),
    operators={
        "attribute": _TRACE,
        "metadata": TEXT | ABSENCE,
        "tag": TEXT | ABSENCE,
        "span": {**dict.fromkeys(("name", "type", "status"), TEXT | LIST), "content": frozenset({"LIKE", "ILIKE"})},
        "feedback": TEXT | ABSENCE,
        "expectation": TEXT | ABSENCE,
    },
    orderable={
        "attribute": frozenset({*_TRACE, "experiment_id"} - {"run_id", "text"}),
        "metadata": None,
        "tag": None,
    },
    aliases={
        **{name: f"{name}_ms" for name in ("timestamp", "execution_time", "end_time")},
        "trace_id": "request_id",
        "state": "status",
    },
)
