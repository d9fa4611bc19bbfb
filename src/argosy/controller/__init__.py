"""The loop: observe, decide, plan, act."""
