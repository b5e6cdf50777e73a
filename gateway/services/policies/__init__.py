"""Use cases of policies: overrides, explanations and backtests."""
