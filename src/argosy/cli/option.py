"""Options that commands share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from cyclopts import Parameter


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
