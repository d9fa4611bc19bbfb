"""Scoring rows that lie somewhere: they are read a chunk at a time, answered in columns, and kept."""
