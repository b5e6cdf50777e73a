"""Parsing of documents."""
