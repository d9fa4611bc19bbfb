"""Optimising: smaller and faster models made from a version, each a candidate to take its place."""
