"""Compares the gateway with other servers that do the same work. See README.md in this folder."""
