"""Webhook endpoints, and the deliveries of messages to them."""
