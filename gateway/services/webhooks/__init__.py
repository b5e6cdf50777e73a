"""Delivery of messages to the webhook endpoints of merchants."""
