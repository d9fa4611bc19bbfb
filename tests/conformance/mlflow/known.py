"""Where this server answers otherwise than the stock one on purpose, and why."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Known:
    """Steps whose names match, and how the two answer them: a status, and the code of a refusal."""

    steps: str
    theirs: str
    ours: str
    why: str

    def covers(self, tale: str, step: str, theirs: str, ours: str) -> bool:
        """Whether a difference is this one."""
        asked = re.fullmatch(self.steps, f"{tale}: {step}", re.DOTALL)
        return bool(asked and re.fullmatch(self.theirs, theirs) and re.fullmatch(self.ours, ours))


_MISTYPED = (
    r".*: \S+ (a word|a number|a list|an object|true|false|a fraction|of null|of a number|of \[\]|too large|nonsense|"
    r"small|empty|an unknown number|negative)|.*view (active_only|NONE)|runs: status .*|batches: one bad metric|"
    rf"metrics: (value ' 1 '|value '1e999'|(step|timestamp) {2**63})"
)
_NEEDED = (
    r".*(runs/create|log-inputs|logged-models).*(key|dataset|name|digest|source_type|source|model_id) "
    r"(absent|null|of no field)"
)
_INVALID, _UNKNOWN, _TAKEN, _BAD = (
    "400 INVALID_PARAMETER_VALUE", "404 RESOURCE_DOES_NOT_EXIST", "400 RESOURCE_ALREADY_EXISTS", "400 BAD_REQUEST",
)  # fmt: skip
KNOWN = [
    Known(
        ".*",
        "5.*",
        "200|4.*",
        "what a client does wrong, or may do, is no failure of the server: clients try again for minutes",
    ),
    Known(
        _MISTYPED,
        "200",
        _INVALID,
        "a field of a wrong type is refused; stock MLflow takes it for absent, and what follows it",
    ),
    Known(_NEEDED, "200", _INVALID, "what has neither a name nor a key cannot be found again"),
    Known(r".* of (251|501|8001) characters|.*name 'y+.*", "200", _INVALID, "limits hold wherever a name comes from"),
    Known("runs spoilt: .*value of 8001 characters", "200", "200", "a tag is cut wherever it comes from"),
    Known(
        "bodies: .*: (no JSON|words|bytes|NaN)",
        f"200|{_INVALID}",
        _BAD,
        "a body that is no JSON is told to be none; stock MLflow takes it for empty",
    ),
    Known("bodies: .*|.*: by GET", "40[45]", "404 ENDPOINT_NOT_FOUND", "what is no endpoint is refused in JSON"),
    Known(
        ".*(by its old name|both names of a run, one empty)",
        _INVALID,
        "200",
        "a run is known by either name everywhere",
    ),
    Known(
        "experiments: deleted, by name|names freed: .*",
        f"200|{_TAKEN}",
        f"200|{_UNKNOWN}|{_TAKEN}",
        "the name of what is deleted is free",
    ),
    Known(
        "experiments: to a taken name",
        _BAD,
        _TAKEN,
        "a name that is taken is refused with the same code wherever it is asked for",
    ),
    Known("experiments spoilt: .*blank", f"200|{_BAD}", _INVALID, "a name can be read"),
    Known("experiments spoilt: .*that climbs", "200", _INVALID, "no place of artifacts leads out of where it lies"),
    Known(r".*order_by \['name', 'name'\]", "200", _INVALID, "a key twice in an order is a slip"),
    Known("experiments found: .*max_results (absent|null)", _INVALID, "200", "a page has a usual size"),
    Known("runs: a tag twice", _BAD, "200", "the last of two tags of a key counts, as in every other request"),
    Known(
        "runs: without an experiment|runs spoilt: .*experiment_id (absent|null|empty)",
        _BAD,
        "200",
        "runs of no experiment are the default one's",
    ),
    Known("runs spoilt: .*end_time zero", "200", "200", "a run may end in 1970"),
    Known("runs' models: told of", "200", "200", "JSON in a tag is written without blanks"),
    Known(
        ".*(a model's metric|a model's that is not|model_id unknown)",
        _BAD,
        _UNKNOWN,
        "a model that is not is said to be none",
    ),
    Known(
        "(batches|metrics): .*timestamp empty", _INVALID, _INVALID, "an empty number is refused as one, or as missing"
    ),
    Known(
        "metrics: the latest of each|metrics: history of late",
        "200",
        "200",
        "numbers beyond 64 bits are refused, and NaN comes after numbers",
    ),
    Known("history: .*run_ids? .*", "200", _UNKNOWN, "a run that is not has no history"),
    Known("history: interval .*", "200", "200", "which points stand for a curve is nobody's promise"),
    Known("flows of models: .*", _BAD, f"200|{_INVALID}", "what is told twice is known once"),
    Known("(files: put|logged models: a file).*", "200", "200", "an answer without fields is an object"),
    Known("files: (below|put|get).*", f"200|{_UNKNOWN}", _INVALID, "a path that means another is no path"),
    Known("files: below 'a#b'", _INVALID, "200", "paths are names in a table: no sign in them is dangerous"),
    Known("files: in the end", "200", "200", "no file has a backslash or a zero byte in its name"),
    Known("registered models: .*with versions", "200", "200", "the latest versions tell their aliases too"),
    Known(
        r"registered models found: .*order_by \['creation_timestamp'\]",
        _INVALID,
        "200",
        "models may be ordered by when they were made",
    ),
    Known("registered models found: .*max_results zero", "200", _INVALID, "a page of nothing leads nowhere"),
    Known("versions' sources: with backslashes", "200", _INVALID, "a backslash is a slash to some"),
    Known(
        "versions: .*run_id = ''.*", "200", "200", "a version without a run has no run, rather than one without a name"
    ),
    Known(
        "versions spoilt: .*model_id unknown", _UNKNOWN, "200", "a version may be of a model that another server keeps"
    ),
    Known(
        "versions spoilt: .*archive_existing_versions .*", _INVALID, "200", "a flag may be 1 or a text, as in a query"
    ),
    Known("logged models: .*without the model in the body", _INVALID, "200", "the path names the model"),
    Known(
        "logged models: (parameters again|other parameters|.*/params.*)",
        _BAD,
        f"200|{_INVALID}",
        "the same value of a parameter again is no change",
    ),
    Known("logged models: .*source_run_id (odd|blank)", "200", _INVALID, "what cannot be a run's name is none"),
    Known("logged models: deleted, tagged", "200", _UNKNOWN, "what is deleted does not change"),
    Known("logged models' odd metrics: read", "200", "200", "what is no number comes back as it went"),
    Known(
        "logged models found: .*(dataset_digest|datasets).*",
        "200",
        "200",
        "of a dataset the name or the digest may be left out",
    ),
    Known("logged models found: .*status = 'READY'.*", "200", "200", "a status may be written as in the client"),
    Known("logged models found: .*max_results many", "200", _INVALID, "no page is without a bound"),
]
