"""Tables and queries of users, sessions and clients."""
