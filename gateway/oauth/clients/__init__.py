"""Clients: how they authenticate and where their keys come from."""
