"""What a bundle's package is called."""

from __future__ import annotations

import hashlib
import re

from argosy.registry.address import Address
from argosy.spec.fleet import POOLED

_DIGITS = 8


def package(address: Address) -> str:
    """The name of the package of all versions of a member: `model_late_arrival_JFK_AA`.

    The letters and digits of its address. Where others could come to the same, digits of the address's hash follow.
    """
    plain = address.fleet + (f"/{'pooled' if address.key == POOLED else address.key}" if address.key else "")
    name = re.sub(r"[^A-Za-z0-9]+", "_", plain).strip("_")
    alike = re.sub(r"[-/]", "_", plain) == name
    digest = hashlib.sha256(address.member.encode()).hexdigest()[:_DIGITS]
    return f"model_{name}" if alike else f"model_{name}_{digest}"
