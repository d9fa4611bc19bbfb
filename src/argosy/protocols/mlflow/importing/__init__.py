"""What another MLflow keeps is brought into this home."""
