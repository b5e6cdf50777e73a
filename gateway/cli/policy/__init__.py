"""`gateway policy`: check, explain, backtest, shadow and override policies."""
