"""The key of a task: the hash of its code, its parameters, its inputs and its environment."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterable, Sequence
from functools import cache
from importlib import metadata

import msgspec

from argosy.errors import InputError

_MATTERS = (
    "argosy",
    "catboost",
    "lightgbm",
    "numpy",
    "onnx",
    "onnxruntime",
    "optuna",
    "polars",
    "scikit-learn",
    "scipy",
    "skl2onnx",
    "torch",
    "xgboost",
)

# MessagePack and not JSON: JSON writes NaN, infinity and None alike, and bytes as text.
_CANONICAL = msgspec.msgpack.Encoder(order="deterministic")


def task_key(code: str, parameters: object, inputs: Sequence[str], environment: str) -> str:
    """The SHA-256 of everything a task's outcome depends on, in hex.

    `code` is the digest of its `CodePrint`, `parameters` any value that msgspec can encode (order of mappings
    and sets does not matter, order of sequences does), `inputs` the content hashes of what it reads, in order,
    `environment` the digest of `environment()`. Raises `InputError` for parameters that cannot be encoded.
    """
    try:
        content = _CANONICAL.encode((code, parameters, list(inputs), environment))
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(
            f"parameters of type {type(parameters).__name__} have no canonical form: {error}",
            next="use numbers, text, dates, sequences, mappings or msgspec structs",
        ) from None
    return hashlib.sha256(content).hexdigest()


def versions(packages: Iterable[str] = ()) -> dict[str, str]:
    """Versions of Python and of the installed distributions that matter to a model, by name.

    `packages` are further import names, as `CodePrint.packages` lists them. What is not installed is left out.
    """
    found = {"python": platform.python_version()}
    for name in sorted({*_MATTERS, *map(_distribution, packages)}):
        version = _version(name)
        if version is not None:
            found[name] = version
    return found


def environment(packages: Iterable[str] = ()) -> str:
    """The SHA-256 of `versions(packages)`, in hex."""
    return hashlib.sha256(_CANONICAL.encode(versions(packages))).hexdigest()


@cache
def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


@cache
def _distribution(package: str) -> str:
    if _version(package) is not None:
        return package.lower().replace("_", "-")
    return _distributions().get(package, [package])[0]


@cache
def _distributions() -> dict[str, list[str]]:
    # Reads every installed distribution, 50 ms or more: only for packages not named like their distribution.
    return {name: sorted(found) for name, found in metadata.packages_distributions().items()}
