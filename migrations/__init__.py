"""Schema migrations (Alembic): upgrade and downgrade, on SQLite and PostgreSQL. README.md has the rules."""
