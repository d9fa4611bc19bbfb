"""Options that commands share."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Annotated, Literal

from cyclopts import Parameter

from argosy.engine.cluster import ENGINE


@Parameter(name="*")
@dataclass(frozen=True)
class Where:
    """Which home a command works on.

    Parameters
    ----------
    home
        Directory of facts and blobs, or a postgresql:// URL. Default: ARGOSY_HOME, else the nearest .argosy directory
        here or above.
    """

    home: str | None = None


@Parameter(name="*")
@dataclass(frozen=True)
class Common(Where):
    """The home, and the form of what is printed.

    Parameters
    ----------
    json
        Print JSON for programs instead of a table.
    """

    json: Annotated[bool, Parameter(negative="")] = False


@Parameter(name="*")
@dataclass(frozen=True)
class Worked(Common):
    """The home, the form of what is printed, and where work is done.

    Parameters
    ----------
    engine
        Where work is done: local, on this machine, or ray, on the cluster at ARGOSY_RAY_ADDRESS. Default:
        ARGOSY_ENGINE, else local.
    """

    engine: Literal["local", "ray"] | None = None

    def environment(self) -> dict[str, str]:
        """The variables of this process, with the engine that was asked for."""
        return {**os.environ, **({ENGINE: self.engine} if self.engine else {})}
