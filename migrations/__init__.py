"""Schema migrations (Alembic): forward and back, on SQLite and on PostgreSQL. README.md has the rules."""
