"""The sealed logs and their keys."""
