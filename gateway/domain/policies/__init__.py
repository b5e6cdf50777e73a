"""Policies: decision tables, their versions and the overrides of merchants."""
