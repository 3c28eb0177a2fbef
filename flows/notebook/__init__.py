"""Papermill and its kernel."""
