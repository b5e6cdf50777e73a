"""The first page of a sandbox."""
