"""Kubeflow Pipelines 2."""
