"""Tools with no noun of ours: clock, ids, canonical JSON, keys, structured logs, languages."""
