"""Tools with no noun of ours: clock, ids, canonical JSON, keys, limits, one-time values, the outgoing HTTP client,
structured logs, languages."""
