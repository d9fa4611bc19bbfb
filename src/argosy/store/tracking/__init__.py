"""Experiments, runs and what is tracked in them: facts for people and programs that log as they go."""
