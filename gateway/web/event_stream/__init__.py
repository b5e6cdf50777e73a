"""The stream of a merchant's events, in a sandbox."""
