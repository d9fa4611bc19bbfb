"""What is asked of tracking servers that speak MLflow's protocol, and what they spend on it."""
