"""Who acts: clients, personas, scopes and the principal of a request."""
