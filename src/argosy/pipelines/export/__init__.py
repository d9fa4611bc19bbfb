"""Exports: a pipeline as a file of another scheduler, which starts `argosy run` and knows nothing else of it."""
