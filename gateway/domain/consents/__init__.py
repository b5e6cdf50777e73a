"""Consents: what a person allowed, how it was asked for and how it changes."""
