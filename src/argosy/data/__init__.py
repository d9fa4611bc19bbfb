"""Datasets: ingest, profile, validate, quarantine."""
