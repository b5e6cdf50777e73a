"""Policies as TOML: decision tables, merchants' overrides of them, and the operator's bounds on overrides."""
