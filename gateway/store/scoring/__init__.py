"""Behaviour records, scores and their history, and the last answers of a remote score provider."""
