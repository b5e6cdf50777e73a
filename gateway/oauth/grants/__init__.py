"""The grants. Each issues tokens for one grant type."""
