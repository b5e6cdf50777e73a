"""Tables and queries of partners and merchants."""
