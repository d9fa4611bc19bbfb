"""Fuzz one target, guided by the coverage of our code: `python -m tests.fuzz.run TARGET [--seconds N] [--corpus DIR]`.

What it finds, it leaves as `crash-…`, `timeout-…` or `oom-…` in DIR, with exit code 1 or above; it goes on from what
lies there. A few bytes may cost 2 s of time and 1 GB of memory, at most.
"""

from __future__ import annotations

import argparse
import hashlib
import logging
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["argosy.serving", "hpack"], exclude=["argosy.serving.shadow"]):
    from tests.fuzz.targets import TARGETS, Defect

from tests.fuzz.seeds import SEEDS

_LONGEST = 8192
_MEMORY_MB = 1024


def main() -> None:
    """Seed the corpus, and let the fuzzer run."""
    parser = argparse.ArgumentParser()
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--corpus", type=Path)
    options = parser.parse_args()
    corpus = options.corpus or Path(tempfile.mkdtemp(prefix="argosy-fuzz-"))
    corpus.mkdir(parents=True, exist_ok=True)
    for seed in SEEDS[options.target]():
        (corpus / hashlib.sha1(seed).hexdigest()).write_bytes(seed)
    log = logging.getLogger("argosy.serving")
    log.addHandler(Defect())
    log.propagate = False
    flags = {
        "max_total_time": options.seconds, "timeout": 2, "rss_limit_mb": _MEMORY_MB, "max_len": _LONGEST,
        "artifact_prefix": f"{corpus}/",
    }  # fmt: skip
    target = TARGETS[options.target]

    def once(data: bytes) -> None:
        target(data)

    atheris.Setup([sys.argv[0], *(f"-{name}={value}" for name, value in flags.items()), str(corpus)], once)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
