"""Scores and tiers."""
