"""The merchants and clients of a partner."""
