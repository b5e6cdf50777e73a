"""Policies: decision tables, their versions, and merchants' overrides."""
