"""The score page of a person: the score, its history, what would change it, and what the person shares."""
