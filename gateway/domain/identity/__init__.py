"""Clients, personas and the principal of a request."""
