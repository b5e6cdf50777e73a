"""Validation of documents: a quick check that accepts most valid ones, and the rules of our own for graphql-core."""
