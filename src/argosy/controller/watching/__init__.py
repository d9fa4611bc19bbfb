"""Watching a fleet: what its members were trained on, what they answered, and what became true since."""
