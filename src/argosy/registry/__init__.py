"""The registry: gates, champions, rollouts, model cards."""
