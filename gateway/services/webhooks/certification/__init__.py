"""Certification of a merchant's webhook receiver: it gets sample events, and its answers are judged."""
