"""For those who write models and notebooks."""
