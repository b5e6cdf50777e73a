"""The page that lists the error codes."""
