"""What figures look like where they come from."""
