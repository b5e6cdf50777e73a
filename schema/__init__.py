"""The GraphQL API: types, scopes, limits, execution, the exported contract. It uses services, never HTTP or SQL."""
