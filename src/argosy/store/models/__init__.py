"""Models that clients log and register by name."""
