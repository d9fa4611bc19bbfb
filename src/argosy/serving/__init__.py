"""Inference: load, route, predict, record."""
