"""GraphiQL for a partner of a sandbox, already authorised."""
