"""The hands of Footfall: network, clock, servers, processes. Each outside system has few modules that import it."""

import os

# Arrow's own pool takes memory two MB at a time and gives none of it back: for tables of 0.2 MB, 14 MB in 36 days
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
