"""Score sources."""
