"""The web layer: pages, sessions, middleware, the GraphQL endpoint, health checks, and all routes."""
