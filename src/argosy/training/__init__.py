"""Training: fit, search, evaluate and explain every member of a fleet."""
