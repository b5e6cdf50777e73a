"""Use cases of accounts, logins, personas and OAuth clients."""
