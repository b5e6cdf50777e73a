"""Builds the documentation as web pages: `python -m tools.documentation`."""
