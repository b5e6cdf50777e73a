"""Verifies the logs and reconciles them with the tables."""
