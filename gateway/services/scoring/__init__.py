"""Use cases of scores, and the inquiry budget."""
