"""The consent page: a person allows or denies what a merchant asks for (RFC 6749 section 4.1.1)."""
