"""Rows by the million, answered in columns: no Python value a row, and every version is asked once a chunk."""
