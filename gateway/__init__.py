"""Sesame Gateway: trust between people with a credit score and merchants, asked for with consent."""

__version__ = "0.1.0"
