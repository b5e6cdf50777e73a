"""Clients: their rights and their authentication."""
