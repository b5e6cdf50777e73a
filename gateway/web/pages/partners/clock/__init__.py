"""The business time of a partner."""
