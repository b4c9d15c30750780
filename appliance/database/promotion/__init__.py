"""From SQLite to Postgres: every table, every value, proven equal before anything counts on it."""
