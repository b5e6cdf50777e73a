"""Tools with no noun of ours: clock, ids, canonical JSON, keys, limits, one-time values, structured logs, languages."""
