"""YAML that people review: blocks in the order in which they were made, text quoted unless it can only be text."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from typing import Any

import yaml

_PLAIN = re.compile(r"(?!(?:null|true|false|yes|no|on|off|y|n)\Z)-{0,2}[A-Za-z$/][\x20-\x7e]*", re.IGNORECASE)
"""What YAML 1.1 and 1.2 both read as text without quotes; what the colon and others may do, the library knows."""

_BREAKS = frozenset("\r\x85\u2028\u2029")
"""What ends a line in YAML besides the line feed, and is read back as one unless it is quoted."""


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        """Write out whatever comes twice."""
        return True


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    lines = "\n" in text.strip("\n") and not _BREAKS & set(text)
    style = "|" if lines else None if _PLAIN.fullmatch(text) else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _list(dumper: _Dumper, values: list[Any]) -> yaml.SequenceNode:
    numbers = bool(values) and all(isinstance(each, int) for each in values)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", values, flow_style=numbers)


_Dumper.add_representer(str, _text)
_Dumper.add_representer(list, _list)


def write(documents: Iterable[dict[str, Any]]) -> str:
    """Documents of dicts, lists, text, numbers and booleans, one after another."""
    options: dict[str, Any] = {"sort_keys": False, "allow_unicode": True, "width": sys.maxsize}
    text: str = yaml.dump_all(documents, Dumper=_Dumper, **options)
    return text


def read(text: str) -> list[Any]:
    """The documents of a text."""
    return list(yaml.safe_load_all(text))
