"""The grants: each turns a token request into tokens."""
