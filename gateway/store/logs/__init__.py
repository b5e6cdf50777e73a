"""The sealed logs: seals and appends entries."""
