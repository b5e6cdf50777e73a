"""Tables and queries of decisions, disputes, exposure and idempotency records."""
