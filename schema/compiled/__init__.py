"""Compiled operations: an operation becomes Python functions that return what graphql-core's executor returns."""
