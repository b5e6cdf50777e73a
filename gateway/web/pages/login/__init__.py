"""The login page: signing in and out."""
