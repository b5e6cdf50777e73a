"""The GraphQL door: types, scopes, limits, execution, the exported contract. It knows services, never HTTP or SQL."""
