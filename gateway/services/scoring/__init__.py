"""Fetching of scores, and the inquiry budget."""
