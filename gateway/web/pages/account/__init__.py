"""The account page. It has a module each for consents, open obligations, decisions and accesses."""
