"""Tables and queries of decisions, disputes, exposures and idempotency records."""
