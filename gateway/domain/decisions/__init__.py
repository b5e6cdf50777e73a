"""Decisions: their states, transitions, terms and outcomes."""
