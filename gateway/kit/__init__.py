"""General tools without domain knowledge: clock, ids, canonical JSON, keys, rate limits, one-time values, the outgoing
HTTP client, structured logs, languages."""
