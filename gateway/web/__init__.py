"""HTTP that is not a protocol: pages, sessions, middleware, and the one page of addresses."""
