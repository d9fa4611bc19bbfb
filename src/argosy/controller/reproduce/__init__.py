"""Reproducing: what a run or a version is recorded to be made of, done again apart from its home, and compared."""
