"""Webhooks: the events that merchants' systems get, their envelope, and when deliveries are tried again."""
