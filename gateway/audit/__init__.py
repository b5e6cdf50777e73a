"""Verification of the logs, and reconciliation of the tables with them."""
