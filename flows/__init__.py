"""The hands of Footfall: network, clock, servers, processes. Each outside system has one module that imports it."""
