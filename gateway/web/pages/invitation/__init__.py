"""The invitation page: a person sets a password, once."""
