"""Consents: authorization requests, what the person granted, and later changes."""
