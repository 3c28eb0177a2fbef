"""What every station of the line does."""
