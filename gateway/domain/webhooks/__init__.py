"""Webhooks: when deliveries are tried again."""
