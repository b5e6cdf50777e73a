"""The personas of a partner."""
