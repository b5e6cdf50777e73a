"""The account page: consents, open agreements, decisions and accesses, each described by a module of its own."""
