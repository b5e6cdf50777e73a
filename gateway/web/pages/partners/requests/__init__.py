"""The request log of a partner."""
