"""The webhook endpoints of a partner."""
