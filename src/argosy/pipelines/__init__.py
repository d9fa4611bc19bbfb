"""Pipelines: steps of the user's own, what they hand one another, and their runs."""
