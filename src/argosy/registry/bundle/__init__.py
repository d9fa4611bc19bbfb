"""Bundles: a version with all that predicts by it, for places that have onnxruntime and no Argosy."""
