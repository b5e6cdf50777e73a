"""The built documentation."""
