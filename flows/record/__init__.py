"""What is kept of a run: its folder, and MLflow."""
