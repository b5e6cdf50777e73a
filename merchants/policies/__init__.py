"""Policies in TOML: decision tables, overrides for single merchants, and the operator's bounds on overrides."""
