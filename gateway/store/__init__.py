"""The tables and queries of the gateway, one module per subject. Only this package has SQL."""
