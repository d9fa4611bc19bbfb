"""What is exported: a pipeline, what its runs are given, and how they are spread."""

from __future__ import annotations

import math
import re
from typing import Any, Literal

import msgspec

from argosy.errors import DeclarationError, UsageError
from argosy.spec.pipeline import Parameter, Pipeline

SHARDS = 256
"""Into how many shards a run may be cut: what every target can spread."""

Type = Literal["string", "integer", "number", "boolean"]

_TYPES: dict[str, Type] = {"int": "integer", "float": "number", "bool": "boolean"}
_ASCII = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Entry(msgspec.Struct, frozen=True):
    """A parameter that whoever starts a run may choose; `text` is its value unless they do, None where they must."""

    name: str
    type: Type
    text: str | None

    @property
    def value(self) -> Any:
        """`text` as a value of `type`."""
        return self.text if self.text is None or self.type == "string" else msgspec.json.decode(self.text)


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """A pipeline, with parameters as text in `given`, cut into `shards`.

    `project` is where its code lies on the machines that run it; without one they take what was applied. Raises
    DeclarationError for a parameter that the pipeline does not take, UsageError for all else that is wrong.
    """

    pipeline: Pipeline
    given: dict[str, str] = {}
    shards: int = 1
    image: str | None = None
    project: str | None = None
    scheduled: bool = True

    def __post_init__(self) -> None:
        if not 1 <= self.shards <= SHARDS:
            raise UsageError(f"--shards is {self.shards}; it must be between 1 and {SHARDS}", next="--shards 4")
        known = {each.name: each for each in self.pipeline.parameters}
        for name, text in self.given.items():
            _read(self.pipeline, known.get(name), {name: text})
        for text in (*self.given.values(), self.image or "", self.project or ""):
            if "\0" in text:
                raise UsageError(f"{text!r} holds a NUL, which no command line can", next="leave it out")

    def words(self, *options: str) -> list[str]:
        """The command line of a run, after the program's name."""
        place = [] if self.project is None else [f"--project={self.project}"]
        return ["run", self.pipeline.name, *place, *options]

    def entries(self) -> list[Entry]:
        """The parameters that a target can ask for, in order: those whose default a text can give, by an ASCII name."""
        found = (self._entry(each) for each in self.pipeline.parameters if _ASCII.fullmatch(each.name))
        return [each for each in found if each is not None]

    def _entry(self, parameter: Parameter) -> Entry | None:
        text = self.given.get(parameter.name)
        if text is None and not parameter.required:
            text = _written(parameter)
            if "\0" in text or not self._reads_back(parameter, text):
                return None
        wanted = _TYPES.get(parameter.type, "string")
        return Entry(parameter.name, wanted if text is None or _is(text, wanted) else "string", text)

    def _reads_back(self, parameter: Parameter, text: str) -> bool:
        if parameter.kind == "path":
            return True
        try:
            found, wanted = (_read(self.pipeline, parameter, given) for given in ({parameter.name: text}, {}))
        except DeclarationError:
            return False
        return type(found) is type(wanted) and found == wanted


def _read(pipeline: Pipeline, parameter: Parameter | None, given: dict[str, str]) -> Any:
    """What a run reads of a parameter, or of its default where nothing is given."""
    alone = msgspec.structs.replace(pipeline, parameters=(parameter,) if parameter else ())
    found = alone.arguments(given)
    return found[parameter.name] if parameter else None


def _written(parameter: Parameter) -> str:
    """A default as text that `--set` reads."""
    default = parameter.default
    if parameter.kind == "dataset" and default is None:
        return parameter.name
    if isinstance(default, str):
        return default
    return "none" if default is None else msgspec.json.encode(default).decode()


def _is(text: str, wanted: Type) -> bool:
    """Whether a text is JSON of a type."""
    try:
        value = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return False
    kinds = {"string": (), "integer": (int,), "number": (int, float), "boolean": (bool,)}[wanted]
    return isinstance(value, kinds) and isinstance(value, bool) == (wanted == "boolean") and math.isfinite(value)
