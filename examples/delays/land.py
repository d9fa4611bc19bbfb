"""Lands the flights of 2013 until a day: `python -m examples.delays.land 2013-03-01`."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

from examples.flights.world import land_until, load


def main(until: str = "2013-04-01") -> None:
    """Write `data/` beside this file."""
    data = Path(__file__).parent / "data"
    files = land_until(load(data), data, date.fromisoformat(until))
    print(f"{len(files)} files in {data}")


if __name__ == "__main__":
    main(*sys.argv[1:])
