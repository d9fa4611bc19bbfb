"""Environments: virtual ones that hold the recorded versions of libraries, each made once in the user's cache."""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import msgspec

from argosy.errors import ArgosyError, UsageError
from argosy.spec.quantity import plural

OWN = "argosy"
PYTHON = "python"
_STAMP = "argosy.stamp"
_APART = ("PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV")
_LINES = 6


def installed(names: Iterable[str]) -> dict[str, str]:
    """The versions of some distributions, and of Python, in this process; one that is not installed is left out."""
    found = {PYTHON: platform.python_version()}
    for name in names:
        try:
            found.setdefault(name, metadata.version(name))
        except metadata.PackageNotFoundError:
            continue
    return found


def cache() -> Path:
    """Where environments are kept."""
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / OWN / "environments"


def variables() -> dict[str, str]:
    """Those of this process, but for what leads to this environment."""
    return {name: value for name, value in os.environ.items() if name not in _APART} | {"PYTHONNOUSERSITE": "1"}


def build(pins: Mapping[str, str], folder: Path, tell: Callable[[str], None] = lambda _: None) -> Path:
    """The directory of an environment with these versions of libraries and of Python, and this Argosy; made if needed.

    Of Python the minor version counts. Argosy is the one that runs: a home is read only by software that is not older.
    What the libraries need and nobody imported is not recorded: its newest versions that fit are installed. uv makes
    it where it is installed, else venv and pip. Raises UsageError where there is no such Python, and ArgosyError
    with what the tool said where it cannot be made.
    """
    minor = ".".join(pins.get(PYTHON, platform.python_version()).split(".")[:2])
    wanted = sorted(f"{name}=={version}" for name, version in pins.items() if name not in (PYTHON, OWN))
    own = _own()
    made_of = msgspec.json.encode([minor, wanted, own, metadata.version(OWN), sys.platform, platform.machine()])
    place = folder / hashlib.sha256(made_of).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        if not (place / _STAMP).exists():
            tell(f"building an environment of Python {minor} and {plural(len(wanted), 'pin')} in {place}")
            _do([*_make(place, minor), *own, *wanted], place)
            (place / _STAMP).write_bytes(made_of)
    return place


def _make(place: Path, minor: str) -> list[str]:
    """Make an empty environment; the beginning of the command that installs into it."""
    python, beside = str(place / "bin" / "python"), str(Path(sys.executable).parent)
    uv = shutil.which("uv") or shutil.which("uv", path=beside)
    if uv is not None:
        _do([uv, "venv", "--quiet", "--clear", "--python", minor, str(place)], place)
        return [uv, "pip", "install", "--quiet", "--python", python]
    if minor != ".".join(map(str, sys.version_info[:2])):
        raise UsageError(
            f"Python {minor} is recorded, and this is {platform.python_version()}",
            next=f"install uv, run Argosy with Python {minor}, or take this environment with --here",
        )
    _do([sys.executable, "-m", "venv", "--clear", str(place)], place)
    return [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]


def _own() -> list[str]:
    """The Argosy that runs, as tools that install take it: a checkout, the file that it came from, or a version."""
    text = metadata.distribution(OWN).read_text("direct_url.json")
    found = msgspec.json.decode(text) if text else {}
    url = found.get("url", "")
    if found.get("dir_info", {}).get("editable"):
        return ["--editable", url2pathname(urlsplit(url).path)]
    return [f"{OWN} @ {url}"] if url else [f"{OWN}=={metadata.version(OWN)}"]


def _do(command: list[str], place: Path) -> None:
    done = subprocess.run(command, env=variables(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        said = " / ".join(done.stdout.strip().splitlines()[-_LINES:])
        raise ArgosyError(
            f"the environment {place} could not be made: {said}",
            next="correct what it says, install uv, or take this environment with --here",
        )


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
