"""Pages: each a function from a read-only snapshot to HTML."""
