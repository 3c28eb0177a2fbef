"""Servers and worker on this machine."""
