"""Traces of programs: what they did in spans, and what was thought of it."""
