"""Tables and queries of consents and their versions."""
