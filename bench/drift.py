"""Drift of a window of 1,000,000 rows x 20 features, beside Evidently in an environment of its own.

    python bench/drift.py [--json FILE] [--rows 1000000]

Ours counts the window on frozen bins, for 1,000 members at once, and takes every statistic with its p-value. The peer
takes one statistic, of all rows together. CPU seconds, without reading files and importing libraries.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
from harness import Row, best, peer, report

from argosy.monitoring.bins import Bins
from argosy.monitoring.count import count
from argosy.monitoring.drift import drift
from argosy.monitoring.quality import quality
from argosy.monitoring.window import Windows, merge

REQUIREMENTS = ("evidently==0.7.23", "pandas<3", "numpy<2.4", "setuptools<81")
MEMBERS = tuple(f"{place:05}" for place in range(1000))
PEER = """
import json, sys, time, warnings
warnings.simplefilter("ignore")
import numpy as np, pandas as pd
from evidently import Report
from evidently.presets import DataDriftPreset
frames = [pd.DataFrame({name: table[name] for name in table.files}) for table in map(np.load, sys.argv[1:3])]
costs = {}
for case, settings in (("psi", {"method": "psi"}), ("default", {})):
    begun = time.process_time()
    Report([DataDriftPreset(**settings)]).run(frames[1], frames[0]).dict()
    costs[case] = time.process_time() - begun
print(json.dumps(costs))
"""


def columns(seed: int, rows: int) -> dict[str, npt.NDArray[np.generic]]:
    """20 features: 16 numbers of three shapes, 3 categories, 1 flag."""
    random = np.random.default_rng(seed)
    found: dict[str, npt.NDArray[np.generic]] = {}
    for place in range(16):
        shape = (random.normal, random.lognormal, random.standard_exponential)[place % 3]
        found[f"n{place}"] = np.asarray(shape(size=rows)) + 0.02 * seed
    for place in range(3):
        found[f"c{place}"] = random.choice([f"v{value}" for value in range(8 + 4 * place)], rows)
    found["flag"] = random.random(rows) < 0.2
    return found


def floor(table: dict[str, npt.NDArray[np.generic]], bins: Bins) -> None:
    """The least that counts the numbers: a binary search and a bin count, without members, nulls or categories."""
    for feature in bins.features[:16]:
        edges = np.array(feature.cuts)  # type: ignore[union-attr]
        np.bincount(np.searchsorted(edges, table[feature.name].astype(np.float64), side="right"))


def evidently(
    reference: dict[str, npt.NDArray[np.generic]], current: dict[str, npt.NDArray[np.generic]]
) -> dict[str, float]:
    """CPU seconds of the peer per case."""
    python = peer("evidently", REQUIREMENTS)
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / "reference.npz", Path(folder) / "current.npz"]
        for path, table in zip(paths, (reference, current), strict=True):
            np.savez(path, **table)  # type: ignore[arg-type]
        out = subprocess.run([python, "-c", PEER, *paths], check=True, stdout=subprocess.PIPE, text=True).stdout
    costs: dict[str, float] = json.loads(out.splitlines()[-1])
    return costs


def wide(windows: Windows, times: int) -> Windows:
    """The windows again and again under new member keys: a fleet `times` as large."""
    parts = []
    for turn in range(times):
        members = tuple(f"{turn:02}/{member}" for member in windows.members)
        tables = (windows.counts, windows.predictions, windows.positives, windows.negatives, windows.rows, windows.sums)
        parts.append(Windows(windows.digest, members, *tables))
    return merge(*parts)


def measure(rows: int) -> list[Row]:
    """All cases of the table."""
    before, after = columns(0, rows), columns(1, rows)
    reference, current = pl.DataFrame(before), pl.DataFrame(after)
    codes = np.random.default_rng(2).integers(0, len(MEMBERS), rows)
    bins = Bins.fit(reference)
    known, window = count(reference, MEMBERS, codes, bins), count(current, MEMBERS, codes, bins)
    whole = known.together()
    one = np.zeros(rows, dtype=np.int64)
    large = wide(known, 10), wide(window, 10)

    def single() -> None:
        drift(whole, count(current, ["*"], one, bins), bins)

    def fleet() -> None:
        drift(known, count(current, MEMBERS, codes, bins), bins)

    def cold() -> None:
        fitted = Bins.fit(reference)
        drift(count(reference, ["*"], one, fitted), count(current, ["*"], one, fitted), fitted)

    least = best(lambda: floor(after, bins), 3).cpu
    costs = evidently(before, after)
    name, unit = "Evidently 0.7.23", "CPU s"
    return [
        Row("window, all statistics, 1 model, against PSI only", unit, best(single).cpu, costs["psi"], name, least),
        Row("window, all statistics, 1 model, against default", unit, best(single).cpu, costs["default"], name, least),
        Row(
            "bins, reference and window, 1 model, against PSI only", unit, best(cold, 3).cpu, costs["psi"], name, least
        ),
        Row("window, all statistics, 1,000 members", unit, best(fleet).cpu, None, None, least),
        Row("drift of 10,000 members from windows", unit, best(lambda: drift(*large, bins), 3).cpu),
        Row("quality of 10,000 members from windows", unit, best(lambda: quality(*large, bins), 3).cpu),
        Row("bytes of a window of 1,000 members", "MB", len(window.to_bytes()) / 1e6, None, None, None),
    ]


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--rows", type=int, default=1_000_000)
    arguments = parser.parse_args()
    report("drift", measure(arguments.rows), arguments.json)


if __name__ == "__main__":
    main()
