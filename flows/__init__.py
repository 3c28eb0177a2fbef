"""The hands of Footfall: network, clock, servers, processes. Each outside system has few modules that import it."""
