"""The page that restaurant owners read."""
