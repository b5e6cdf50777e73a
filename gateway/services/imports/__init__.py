"""Reads files with rows that an operator imports."""
