"""Behaviour records, scores and their history."""
